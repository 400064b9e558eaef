-- Openings: announced, called off; and the last two steps of a draw.

local PLANNED_MOST = 50

-- Whether neither has closed when the other opens.
local function overlap(one, other)
  local function is_before(a, b) return a.closes_at_ms > 0 and a.closes_at_ms <= b.opens_at_ms end
  return not is_before(one, other) and not is_before(other, one)
end

local function why_not_times(now_ms, new)
  local freeze_s = new.draw ~= '' and cjson.decode(new.draw).freeze_s
  if new.opens_at_ms <= now_ms then return 'the opening lies in the past: give a time to come' end
  if new.closes_at_ms > 0 and new.closes_at_ms <= new.opens_at_ms then return 'the room would close before it opens' end
  if freeze_s and new.opens_at_ms - freeze_s * 1000 <= now_ms then
    return 'the opening is too near: a draw is frozen ' .. freeze_s .. ' s before it, and people must come before that'
  end
end

-- Whether an opening is announced or on: another one waits until it is over.
local function is_under_way(s)
  if s.phase == 'scheduled' or s.phase == 'drawn' or s.phase == 'last-call' then return true end
  return s.phase ~= 'closed' and s.closes_at_ms > 0
end

local function why_not_after(s, planned, new)
  if is_under_way(s) and s.closes_at_ms == 0 and s.phase ~= 'last-call' then
    return 'the opening under way has no closing time, so none can follow it: give it one with room set --closes-at, '
      .. 'or close the room first'
  end
  if is_under_way(s) and s.closes_at_ms > new.opens_at_ms then
    return 'it overlaps the opening under way: let it open after that one closes, or close the room first'
  end
  for _, other in ipairs(planned) do
    if overlap(new, other) then
      return 'it overlaps the opening ' .. other.instance .. ' (the earlier one needs a closing time before the later one '
        .. 'opens): see antrean room openings'
    end
  end
  if #planned >= PLANNED_MOST then return PLANNED_MOST .. ' openings are planned already: that is the most' end
end

-- schedule: a new opening, with a line of its own from number 1; at once, or when those before it are over.
-- ARGV  3 actor   4 why   5 new instance id   6 opens_at_ms   7 closes_at_ms (0: none)   8 ending
--       9 JSON of the draw with its commitment, '' for first come, first served   10 JSON of the public reason or ''
--       11 1 or 0: newcomers solve a riddle first, or not; '' as it was
-- Returns  the snapshot.
-- Keeps true: the commitment is there before the first number of its line; nobody in line loses a place; of all
-- openings, none begins before the one before it has closed.
local function schedule(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, '')
  if not s then return err end
  local new = {instance = ARGV[5], opens_at_ms = tonumber(ARGV[6]), closes_at_ms = tonumber(ARGV[7]), ending = ARGV[8],
    draw = ARGV[9], reason = ARGV[10], challenge = ARGV[11] or ''}
  local planned = planned_of(s)
  local why_not = why_not_times(now_ms, new)
  local waits = is_under_way(s) or #planned > 0
  if not why_not and waits then why_not = why_not_after(s, planned, new) end
  if not why_not and not waits and s.phase ~= 'closed' and in_line(keys, s) > 0 then
    why_not = 'there are people in line: give this line an end with room set --closes-at, or close the room first'
  end
  if why_not then return refuse(why_not) end
  if waits then
    planned[#planned + 1] = new
    table.sort(planned, function(a, b) return a.opens_at_ms < b.opens_at_ms end)
    keep_planned(s, planned)
    s.revision = s.revision + 1
    note(keys, s, now_ms, ARGV[3], ARGV[4], {planned = {'', text(new.opens_at_ms)}, order = {'', new.draw ~= '' and 'draw' or 'fifo'}})
  else
    begin_opening(keys, s, new, now_ms, ARGV[3], ARGV[4])
  end
  save_state(keys, s)
  return snapshot(keys, s, now_ms)
end

-- unschedule: a planned opening is called off. One that has begun is called off by closing the room.
-- ARGV  3 actor   4 why   5 instance id of the opening.  Returns  the snapshot.
local function unschedule(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, '')
  if not s then return err end
  local kept, removed = {}, nil
  for _, opening in ipairs(planned_of(s)) do
    if opening.instance == ARGV[5] then removed = opening else kept[#kept + 1] = opening end
  end
  if not removed then return refuse('no such opening is planned: see antrean room openings') end
  keep_planned(s, kept)
  s.revision = s.revision + 1
  note(keys, s, now_ms, ARGV[3], ARGV[4], {planned = {text(removed.opens_at_ms), ''}})
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
redis.register_function('antrean_v1_unschedule', unschedule)
redis.register_function('antrean_v1_enter_entropy', enter_entropy)
redis.register_function('antrean_v1_reveal', reveal)
