-- Openings: a new one with its own line, and the last two steps of its draw.

local function refuse(why) return redis.error_reply('REFUSED ' .. why) end

local function in_line(keys, s) return s.issued - s.serving + s.late + live_offers(keys) end

local function why_not_schedule(keys, s, now_ms, opens_at_ms, closes_at_ms, draw)
  if s.phase == 'drawn' then return 'the draw of this opening is frozen: it stands, or close the room first' end
  if s.phase ~= 'closed' and in_line(keys, s) > 0 then
    return 'there are people in line: move the opening with room set --opens-at, or close the room first'
  end
  if opens_at_ms <= now_ms then return 'the opening lies in the past: give a time to come' end
  if closes_at_ms > 0 and closes_at_ms <= opens_at_ms then return 'the room would close before it opens' end
  if draw and opens_at_ms - draw.freeze_s * 1000 <= now_ms then
    return 'the opening is too near: a draw is frozen ' .. draw.freeze_s .. ' s before it, and people must come before that'
  end
end

-- schedule: a new opening, with a line of its own from number 1.
-- ARGV  3 actor   4 why   5 new instance id   6 opens_at_ms   7 closes_at_ms (0: none)   8 ending
--       9 JSON of the draw with its commitment, '' for first come, first served
--       10 1 or 0: newcomers solve a riddle first, or not; '' as it was
-- Returns  the snapshot.
-- Keeps true: the commitment is there before the first number of its line; nobody in line loses a place.
local function schedule(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, '')
  if not s then return err end
  local opens_at_ms, closes_at_ms, was = tonumber(ARGV[6]), tonumber(ARGV[7]), s.phase
  local draw = ARGV[9] ~= '' and cjson.decode(ARGV[9]) or nil
  local challenge = s.challenge
  local why_not = why_not_schedule(keys, s, now_ms, opens_at_ms, closes_at_ms, draw)
  if why_not then return refuse(why_not) end
  begin_again(keys, s, ARGV[5], now_ms)
  s.opens_at_ms, s.closes_at_ms, s.ending, s.draw = opens_at_ms, closes_at_ms, ARGV[8], ARGV[9]
  if (ARGV[10] or '') ~= '' then s.challenge = tonumber(ARGV[10]) end
  change_phase(keys, s, 'scheduled')
  s.revision = s.revision + 1
  note(keys, s, now_ms, ARGV[3], ARGV[4], {opening = {was, text(opens_at_ms)}, order = {'', draw and 'draw' or 'fifo'},
    challenge = {challenge, s.challenge}})
  save_state(keys, s)
  return snapshot(keys, s, now_ms)
end

-- enter_entropy: the public value that was announced, known only now.
-- ARGV  3 actor   4 why   5 instance   6 the value.  Returns  the snapshot.
-- Keeps true: it is entered after the freeze, and never changes.
local function enter_entropy(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, '', ARGV[5])
  if not s then return err end
  freeze_if_due(s, now_ms)
  local draw = draw_of(s)
  if not draw then return refuse('this opening has no draw') end
  if draw.entropy ~= '' then return refuse('the entropy is entered already, and never changes: ' .. draw.entropy) end
  if draw.secret ~= '' then return refuse('the draw is done: nothing can be entered after it') end
  if draw.announced_entropy == '' then return refuse('no entropy was announced for this draw: it is drawn without') end
  if draw.frozen_ms == 0 then
    return refuse('the pre-queue is not frozen yet: that happens ' .. draw.freeze_s .. ' s before the opening')
  end
  draw.entropy = ARGV[6]
  keep_draw(s, draw)
  s.revision = s.revision + 1
  note(keys, s, now_ms, ARGV[3], ARGV[4], {entropy = {'', ARGV[6]}})
  save_state(keys, s)
  return snapshot(keys, s, now_ms)
end

-- reveal: publishes the secret; from here on places are those of the draw. Any worker that has the key may call it:
-- all of them know the same secret, and check it against the commitment before.
-- ARGV  3 instance   4 secret, hex.  Returns  the snapshot.
-- Keeps true: what was marked by number before counts for no place in the draw.
local function reveal(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, ARGV[2], ARGV[3])
  if not s then return err end
  local draw = draw_of(s)
  if not draw or draw.secret ~= '' then return snapshot(keys, s, now_ms) end
  if draw.frozen_ms == 0 or (draw.announced_entropy ~= '' and draw.entropy == '') then
    return refuse('the draw is not due')
  end
  draw.secret = ARGV[4]
  keep_draw(s, draw)
  for _, key in ipairs({keys.seen[0], keys.seen[1], keys.gone, keys.late}) do redis.call('UNLINK', key) end
  plant_sentinels(keys)
  s.late, s.called, s.ready, s.calls, s.density, s.entering = 0, s.serving, s.serving, '', 1, 0
  save_state(keys, s)
  return snapshot(keys, s, now_ms)
end

redis.register_function('antrean_v1_schedule', schedule)
redis.register_function('antrean_v1_enter_entropy', enter_entropy)
redis.register_function('antrean_v1_reveal', reveal)
