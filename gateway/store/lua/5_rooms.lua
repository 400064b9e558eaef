-- What is done to a room as a whole: restore after a loss (and first opening), the operator's knobs, a new line.

-- Takes over what a worker knows where it is more than what is here: counters and the draw of the same line,
-- knobs by revision. A worker that knows a line opened later knows better altogether.
local function merge(s, known)
  if known.instance == nil or known.started_ms < s.started_ms then return end
  if known.instance ~= s.instance then
    for _, name in ipairs({'issued', 'called', 'serving', 'claimed', 'finished', 'lapsed', 'passed',
      'late_returns', 'generation', 'revision', 'gap', 'used'}) do s[name] = 0 end
    s.instance, s.started_ms, s.starts, s.skipped, s.draw = known.instance, known.started_ms, '', '', ''
    s.drawn = 0
  end
  if known.generation >= s.generation then s.starts, s.skipped = known.starts, known.skipped end
  for _, name in ipairs({'issued', 'called', 'serving', 'claimed', 'finished', 'lapsed', 'passed', 'late_returns',
    'generation', 'gap', 'ghosts', 'used'}) do
    s[name] = math.max(s[name], known[name])
  end
  if known.day > s.day then s.day, s.day_used = known.day, known.day_used
  elseif known.day == s.day then s.day_used = math.max(s.day_used, known.day_used) end
  merge_draw(s, known.draw)
  if known.revision >= s.revision then
    for _, name in ipairs({'revision', 'rate', 'ceiling', 'phase', 'opens_at_ms', 'closes_at_ms', 'message', 'ending',
      'daily_quota', 'total_quota', 'joins_per_network', 'challenge', 'reason', 'openings'}) do
      s[name] = known[name]
    end
  end
end

local function begin_line(s, fresh, now_ms)
  s.instance, s.started_ms = fresh.instance, now_ms
  s.generation, s.revision, s.gap = 1, 1, GAP_LEAST
  s.rate, s.ceiling, s.phase = fresh.rate, fresh.ceiling, fresh.phase
  s.ending, s.daily_quota, s.total_quota = fresh.ending, fresh.daily_quota, fresh.total_quota
  s.joins_per_network, s.challenge = fresh.joins_per_network, fresh.challenge
  s.opens_at_ms, s.closes_at_ms, s.message = fresh.opens_at_ms, fresh.closes_at_ms, fresh.message
end

-- Numbers go on behind a safety gap: what was issued in the lost moments lies in it and stays genuine. Nobody is
-- made to wait for the gap: it counts as left, until somebody in it checks in.
local function continue_line(keys, s)
  s.generation = s.generation + 1
  local first = s.issued + 1
  s.issued = s.issued + math.max(GAP_LEAST, s.gap)
  s.skipped = (s.skipped == '' and '' or s.skipped .. ' ') .. text(first) .. '-' .. text(s.issued)
  s.starts = (s.starts == '' and '' or s.starts .. ' ') .. text(s.issued + 1)
  -- All of them: an emptied store forgot the earlier ones as well.
  for from, to in string.gmatch(s.skipped, '(%d+)-(%d+)') do
    -- Those of before a draw are scattered over it, as absentees.
    if tonumber(from) > s.drawn and tonumber(to) > s.serving and redis.call('GETBIT', keys.gone, to) == 0 then
      set_range(keys.gone, tonumber(from), tonumber(to))
    end
  end
  s.ghosts = math.max(0, s.ghosts - live_leases(keys) - live_offers(keys))
  s.ghosts_vt, s.found = s.vt, 0
end

-- restore: opens a room that is not here, and takes up a line whose store was emptied, restarted or rolled back.
-- ARGV  3 JSON of what this worker knows: its last snapshot (without `instance` if it has none), and under
--       `fresh` a new instance id and the first values of the knobs
-- Returns  'restoring' while the workers have time to say what they know, then the snapshot.
-- Keeps true: no number is given out again; one generation is added a loss; who is in line stays in line.
local function restore(KEYS, ARGV)
  local keys, now_ms, run_id = keys_of(KEYS), clock(ARGV[1]), ARGV[2]
  local known = cjson.decode(ARGV[3])
  local s = load_state(keys)
  if s.schema ~= 0 and s.schema ~= SCHEMA then return redis.error_reply('SCHEMA ' .. text(s.schema)) end
  if s.run_id == run_id and s.restoring == '' and sentinels_stand(keys) then
    s.poll_max_s, s.day_offset_ms = known.fresh.poll_max_s, known.fresh.day_offset_ms
    save_state(keys, s)
    return snapshot(keys, s, now_ms)
  end
  -- Until all have told: what was used or may be, by passes that are out. Workers know it so.
  local unused = math.max(0, members(keys.claimed)) -- less than none where the key was lost
  if s.restoring == '' and s.schema ~= 0 then s.used, s.day_used = s.used + unused, s.day_used + unused end
  if s.restoring ~= run_id then
    s.restoring, s.restore_ms = run_id, now_ms
    s.ghosts, s.found = live_ghosts(s), 0
  end
  merge(s, known)
  s.schema = SCHEMA
  local waited = now_ms - s.restore_ms
  if waited >= 0 and waited < RESTORE_MS then
    save_state(keys, s)
    return redis.status_reply('restoring')
  end
  s.used, s.day_used = math.max(0, s.used - unused), math.max(0, s.day_used - unused)
  plant_sentinels(keys)
  if s.instance == '' then begin_line(s, known.fresh, now_ms) else continue_line(keys, s) end
  s.run_id, s.restoring = run_id, ''
  s.poll_max_s, s.day_offset_ms = known.fresh.poll_max_s, known.fresh.day_offset_ms
  s.called = math.min(math.max(s.called, s.serving), s.issued)
  s.late = redis.call('BITCOUNT', keys.late) - 1
  s.seen_ms, s.tick_ms = now_ms, now_ms
  s.step_claimed, s.step_issued, s.released_vt = s.claimed, s.issued, s.vt
  s.step_serving, s.step_passed, s.step_lapsed = s.serving, s.passed, s.lapsed
  if s.density <= 0 then s.density = 1 end
  grace(s)
  save_state(keys, s)
  return snapshot(keys, s, now_ms)
end

local KNOBS = {rate = 'number', ceiling = 'number', opens_at_ms = 'number', closes_at_ms = 'number',
  joins_per_network = 'number', challenge = 'number', daily_quota = 'number', total_quota = 'number',
  phase = 'string', message = 'string', ending = 'string'}

-- Why an operator's change of the schedule, or past it, may not be; nil when it may.
local function why_not_set(s, now_ms, name, value)
  local following = planned_of(s)[1]
  local before_opening = s.phase == 'scheduled' or s.phase == 'drawn'
  if name == 'opens_at_ms' and value > 0 then
    if not before_opening then return 'no opening is scheduled: begin one with room schedule' end
    if value <= now_ms then return 'the opening lies in the past: give a time to come' end
  elseif name == 'opens_at_ms' and before_opening then
    return 'a scheduled room needs its opening time: to call it off, close the room'
  elseif name == 'closes_at_ms' and value > 0 and value <= math.max(now_ms, before_opening and s.opens_at_ms or 0) then
    return 'the room would close before it opens or in the past: to close now, use last-call'
  elseif name == 'closes_at_ms' and value ~= s.closes_at_ms and following
    and (value == 0 or value > following.opens_at_ms) then
    return 'the next opening begins before that: see antrean room openings'
  elseif name == 'ending' and value ~= s.ending and not before_opening then
    return 'what closing means is chosen before the opening: people rely on it'
  elseif name == 'phase' and (value == 'open' or value == 'paused' or value == 'last-call') and awaits_draw(s) then
    return 'the draw comes first: move the opening with room set --opens-at, or close the room'
  end
end

-- set_knobs: an operator's change, all or nothing.
-- ARGV  3 revision that the operator saw, or -1   4 actor   5 why   6.. knob, value for each
-- Returns  the snapshot.
-- Keeps true: each change has a revision and an audit entry with what it was before.
local function set_knobs(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, '')
  if not s then return err end
  local expected = tonumber(ARGV[3])
  if expected >= 0 and expected ~= s.revision then return redis.error_reply('CONFLICT ' .. text(s.revision)) end
  pass_time(keys, s, now_ms) -- what went by until now went by at the old rate
  local changes = {}
  for i = 6, #ARGV, 2 do
    local name, value = ARGV[i], ARGV[i + 1]
    if not KNOBS[name] then return redis.error_reply('UNKNOWN knob ' .. name) end
    if KNOBS[name] == 'number' then value = tonumber(value) end
    local why_not = why_not_set(s, now_ms, name, value)
    if why_not then return refuse(why_not) end
    changes[name] = {s[name], value}
    if name == 'phase' then change_phase(keys, s, value) else s[name] = value end
  end
  if changes.opens_at_ms and s.closes_at_ms > 0 and s.closes_at_ms <= s.opens_at_ms then
    return refuse('the room would close before it opens: give the closing time, too')
  end
  trim_credits(s)
  s.revision = s.revision + 1
  note(keys, s, now_ms, ARGV[4], ARGV[5], changes)
  save_state(keys, s)
  return snapshot(keys, s, now_ms)
end

-- new_line: the room begins again with number 1. Tickets of the old line join anew; those inside stay inside.
-- ARGV  3 new instance id   4 actor   5 why
-- Returns  the snapshot.
local function new_line(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, '')
  if not s then return err end
  if s.draw ~= '' and (s.phase == 'scheduled' or s.phase == 'drawn') then
    return refuse('a draw is announced for this line: close the room, then use room schedule')
  end
  local was = s.instance
  begin_again(keys, s, ARGV[3], now_ms)
  s.revision = s.revision + 1
  note(keys, s, now_ms, ARGV[4], ARGV[5], {line = {was, s.instance}})
  save_state(keys, s)
  return snapshot(keys, s, now_ms)
end

-- read: the snapshot, changing nothing.
local function read(KEYS, ARGV)
  local keys = keys_of(KEYS)
  local s, err = open_line(keys, '')
  if not s then return err end
  return snapshot(keys, s, clock(ARGV[1]))
end

redis.register_function('antrean_v1_join', join)
redis.register_function('antrean_v1_check_in', check_in)
redis.register_function('antrean_v1_touch', touch)
redis.register_function('antrean_v1_finish', finish)
redis.register_function('antrean_v1_leave', leave)
redis.register_function('antrean_v1_reinstate', reinstate)
redis.register_function('antrean_v1_tick', tick)
redis.register_function('antrean_v1_restore', restore)
redis.register_function('antrean_v1_set_knobs', set_knobs)
redis.register_function('antrean_v1_new_line', new_line)
redis.register_function({function_name = 'antrean_v1_look', callback = look, flags = {'no-writes'}})
redis.register_function({function_name = 'antrean_v1_read', callback = read, flags = {'no-writes'}})
