#!lua name=antrean_v1

-- The line of one room, as functions of the store. This file: the state that all of them share.
--
-- KEYS, the same twenty-one for every function, all of one room (see gateway/store/keys.py):
--   1 line, a string      2 seen even bitmap     3 seen odd bitmap      4 gone bitmap
--   5 late bitmap         6 spent bitmap         7 withdrawn bitmap     8 offers zset
--   9 late offers zset   10 claimed zset        11 leases zset         12 joins hash
--  13 workers zset       14 samples list        15 audit list          16 metrics hash
--  17 log list            18 door zset          19 stamps hash         20 moves hash
--  21 let in bitmap
-- ARGV, the first two of every function:
--   1 now_ms, wall time in milliseconds; 0 means the server's own TIME
--   2 run_id of the server that the caller believes it talks to ('' for an operator's command)
-- Errors that a caller must tell apart begin with one word:
--   MISSING  the room is not in this store          RESTORE  the store is not the one that was, or lost keys
--   STALE    an older join than the last one seen   CONFLICT the knobs have another revision than expected
--   SCHEMA   written by another version             CLOSED   no tickets are issued in this phase
--   OTHERLINE  the numbers are of an earlier line of this room

local SCHEMA = 2
local WINDOW_MS = 75000        -- presence window W: at least 1.25 x the slowest check-in (hidden tabs, 60 s)
local OFFER_MS = 150000        -- 2 x W: one silence of a hidden tab never costs an offer
local UNUSED_LEASE_MS = 180000 -- from the claim to the first use of the pass
local LEASE_MS = 1200000       -- idle, once the pass was used
local STEP_MS = 5000           -- how often `called` moves and rates are measured
local SAMPLE_MS = 10000
local SAMPLES_KEPT = 10000     -- 27 hours
local AUDIT_KEPT = 1000
local CALL_AHEAD_S = 180       -- seconds' worth of present visitors that are asked to check in
local CALL_LEAST = 20
local BOOKED_LEAST = 2         -- claims that may be booked ahead, at least; else one second's worth
local KNOCK_MS = 2000          -- who knocks at an empty claim bucket is asked to come again after this
local KNOCKING_MS = 3000       -- who has not knocked again by then has gone from the door
local FIRST_S = 6              -- seconds' worth of knockers, the foremost, who may claim; nobody overtakes them
local FIRST_LEAST = 6
local DOOR_S = 10              -- seconds' worth of knockers at which offers rest, and of offers made at once
local ABSENT_MOST = 9          -- offers for one claim, less one: nine in ten may be absent
local GAP_TICK_MS = 5000       -- longer without a tick: visitors may not have been heard
local GRANTS_MOST = 5000       -- a tick
local LATE_EXAMINED_MOST = 1000
local SCAN_BYTES_MOST = 65536  -- of the presence bitmaps, a tick
local LAST_CALL_EMPTY_MS = 300000
local RESTORE_MS = 1000        -- while all workers say what they know
local GAP_LEAST = 1000         -- numbers skipped after a loss

local NUMBERS = {'schema', 'generation', 'revision', 'started_ms', 'seen_ms', 'tick_ms', 'vt', 'window',
  'issued', 'called', 'ready', 'serving', 'late', 'turn', 'credit', 'claim_credit', 'rate', 'ceiling',
  'opens_at_ms', 'closes_at_ms', 'poll_max_s', 'density', 'delivered', 'present', 'claimed', 'finished',
  'lapsed', 'passed', 'late_returns', 'released_vt', 'step_vt', 'step_claimed', 'step_issued', 'sample_ms',
  'empty_vt', 'ghosts', 'ghosts_vt', 'found', 'gap', 'restore_ms', 'door_limit', 'step_serving', 'step_passed',
  'late_share', 'share', 'drawn', 'absent_offers', 'coming', 'entering', 'step_lapsed', 'daily_quota', 'total_quota',
  'used', 'day', 'day_used', 'day_offset_ms', 'joins_per_network', 'challenge', 'queueing_ms'}
local STRINGS = {'run_id', 'instance', 'phase', 'message', 'calls', 'starts', 'skipped', 'draw', 'restoring', 'ending',
  'reason', 'openings'}

local function keys_of(KEYS)
  return {line = KEYS[1], seen = {[0] = KEYS[2], [1] = KEYS[3]}, gone = KEYS[4], late = KEYS[5],
    spent = KEYS[6], withdrawn = KEYS[7], offers = KEYS[8], late_offers = KEYS[9], claimed = KEYS[10],
    leases = KEYS[11], joins = KEYS[12], workers = KEYS[13], samples = KEYS[14], audit = KEYS[15],
    metrics = KEYS[16], log = KEYS[17], door = KEYS[18], stamps = KEYS[19], moves = KEYS[20], let_in = KEYS[21]}
end

local function clock(now_ms)
  now_ms = tonumber(now_ms)
  if now_ms ~= 0 then return now_ms end
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- Lua-to-Redis truncates numbers and %g drops digits of large ones: fractions travel as strings.
local function text(number)
  number = tonumber(number)
  if number == math.floor(number) then return string.format('%.0f', number) end
  return string.format('%.9f', number)
end

-- The line is one packed string: read and written whole, a tenth of what fifty fields of a hash cost.
local function load_state(keys)
  local packed = redis.pcall('GET', keys.line)
  local s = type(packed) == 'string' and cmsgpack.unpack(packed) or {schema = packed and -1} -- -1: not even a string
  for _, name in ipairs(NUMBERS) do s[name] = s[name] or 0 end
  for _, name in ipairs(STRINGS) do s[name] = s[name] or '' end
  return s
end

local function save_state(keys, s) redis.call('SET', keys.line, cmsgpack.pack(s)) end

-- One call for many: a call of the store from Lua costs more than what most of our calls do.
local MANY = 1000

-- Does `operation` ('GET' or 'SET') on the bits at `positions`; returns the bits as they were.
local function bits_at(key, operation, positions, value)
  local were = {}
  for first = 1, #positions, MANY do
    local flat = {}
    for i = first, math.min(first + MANY - 1, #positions) do
      flat[#flat + 1] = operation
      flat[#flat + 1] = 'u1'
      flat[#flat + 1] = positions[i]
      flat[#flat + 1] = value
    end
    for _, bit_was in ipairs(redis.call('BITFIELD', key, unpack(flat))) do were[#were + 1] = bit_was end
  end
  return were
end

local function get_bits(key, positions) return bits_at(key, 'GET', positions) end

local function set_bits(key, positions, value) return bits_at(key, 'SET', positions, value) end

-- A reader of the bits of a key: one call of the store for the `count` places from `least` to `most`, unless they lie
-- so far apart that most of what it returned would be for nothing, and one call for each of the others.
local function bits_between(key, least, most, count)
  local from, to = math.floor(least / 8), math.floor(most / 8)
  if count == 0 or to - from > 64 * count then
    return function(position) return redis.call('GETBIT', key, position) end
  end
  local bytes = redis.call('GETRANGE', key, from, to)
  return function(position)
    if position < least or position > most then return redis.call('GETBIT', key, position) end
    local byte = string.byte(bytes, math.floor(position / 8) - from + 1) or 0
    return bit.band(bit.rshift(byte, 7 - position % 8), 1)
  end
end

-- Bit 0 of every bitmap and one +inf member of every sorted set never go away: a key that is missing was lost.
local function bitmaps(keys)
  return {keys.seen[0], keys.seen[1], keys.gone, keys.late, keys.spent, keys.withdrawn, keys.let_in}
end

local function zsets(keys)
  return {keys.offers, keys.late_offers, keys.claimed, keys.leases, keys.door}
end

local function plant_sentinels(keys)
  for _, key in ipairs(bitmaps(keys)) do redis.call('SETBIT', key, 0, 1) end
  for _, key in ipairs(zsets(keys)) do redis.call('ZADD', key, '+inf', 'sentinel') end
end

local function sentinels_stand(keys)
  for _, key in ipairs(bitmaps(keys)) do
    if redis.call('GETBIT', key, 0) == 0 then return false end
  end
  for _, key in ipairs(zsets(keys)) do
    if not redis.call('ZSCORE', key, 'sentinel') then return false end
  end
  return true
end

-- Returns the state, or nil and an error. Keeps true: nothing but restore writes to a store that lost something;
-- a number of one line is never taken for the same number of the next.
local function open_line(keys, run_id, instance)
  local s = load_state(keys)
  if s.schema == 0 then return nil, redis.error_reply('MISSING the room is not in this store') end
  if s.schema ~= SCHEMA then return nil, redis.error_reply('SCHEMA ' .. text(s.schema)) end
  if s.restoring ~= '' then return nil, redis.error_reply('RESTORE under way') end
  if run_id ~= '' and run_id ~= s.run_id then return nil, redis.error_reply('RESTORE the run id differs') end
  -- Once drawn, a place that was reckoned before the draw is somebody else's.
  local order = s.drawn > 0 and s.instance .. ':' .. text(s.drawn) or s.instance
  if instance and instance ~= order then return nil, redis.error_reply('OTHERLINE the room has a new line') end
  return s
end

local function is_open(s) return s.phase == 'open' or s.phase == 'last-call' end

local function members(key) return redis.call('ZCARD', key) - 1 end

local function live_offers(keys) return members(keys.offers) + members(keys.late_offers) end

local function live_leases(keys) return members(keys.claimed) + members(keys.leases) end

-- Leases that a lost store may have forgotten: they can only become fewer, and none outlives an idle lease.
local function live_ghosts(s)
  if s.ghosts <= s.found then return 0 end
  return math.max(0, math.ceil((s.ghosts - s.found) * (1 - (s.vt - s.ghosts_vt) / LEASE_MS)))
end

local function inside(keys, s) return live_offers(keys) + live_leases(keys) + live_ghosts(s) end

-- Room time goes on by what passed, one second at the most, never back; both buckets fill by the same time.
-- Keeps true: over any t seconds at most rate x t plus one second's worth (at least one) can be claimed.
local function pass_time(keys, s, now_ms)
  local dt = math.max(0, math.min(now_ms - s.seen_ms, 1000))
  s.vt = s.vt + dt
  s.seen_ms = now_ms
  local depth = math.max(1, s.rate / 60)
  if is_open(s) and s.rate > 0 then
    local drops = s.rate * dt / 60000 * (s.share > 0 and s.share or 1)
    -- What runs over at the door was offered to somebody who did not come: it is offered to the next instead.
    local unused = math.max(0, s.claim_credit + drops - depth)
    s.claim_credit = s.claim_credit + drops - unused
    -- The second half of an offer's life gives its credit back bit by bit: who did not come by then is absent.
    -- Without it, what runs over replaces only half of the absent: of a share p who come, 2p / (1 + p) is delivered.
    local absent = math.min(s.absent_offers * dt / WINDOW_MS, drops * ABSENT_MOST)
    s.credit = math.min(s.credit + drops + unused + absent, depth * DOOR_S)
  end
  local window = math.floor(s.vt / WINDOW_MS)
  if window ~= s.window then
    s.window = window
    redis.call('UNLINK', keys.seen[window % 2])
    redis.call('SETBIT', keys.seen[window % 2], 0, 1)
  end
end

-- Whoever may have been unable to hear us gets the full time to answer again.
local function grace(s)
  s.ready = s.serving
  s.credit, s.absent_offers = 0, 0
  s.claim_credit = math.min(s.claim_credit, 0) -- what was booked ahead stays booked
  s.calls = ''
end

-- A lower rate holds at once, also for what was banked; a higher one starts from what is there.
local function trim_credits(s)
  local depth = math.max(1, s.rate / 60)
  s.credit = math.min(s.credit, depth * DOOR_S)
  s.claim_credit = math.max(-math.max(BOOKED_LEAST, s.rate / 60), math.min(s.claim_credit, depth))
end

-- Offers made before a pause are as good after it.
local function renew_offers(keys, s)
  for _, key in ipairs({keys.offers, keys.late_offers}) do
    for _, position in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      if position ~= 'sentinel' then redis.call('ZADD', key, text(s.vt + OFFER_MS), position) end
    end
  end
end

local function change_phase(keys, s, phase)
  local opens = (phase == 'open' or phase == 'last-call') and not is_open(s)
  s.phase = phase
  s.empty_vt = s.vt
  if opens then
    grace(s)
    renew_offers(keys, s)
    s.released_vt = s.vt
  end
end

-- The snapshot as JSON; what gateway/store/snapshots.py reads.
local SNAPSHOT = {'instance', 'generation', 'revision', 'started_ms', 'vt', 'issued', 'called', 'ready',
  'serving', 'late', 'rate', 'ceiling', 'phase', 'opens_at_ms', 'closes_at_ms', 'message', 'poll_max_s',
  'density', 'delivered', 'present', 'claimed', 'finished', 'lapsed', 'passed', 'late_returns', 'gap',
  'late_share', 'starts', 'skipped', 'draw', 'run_id', 'ending', 'tick_ms', 'daily_quota', 'total_quota', 'used', 'day',
  'day_used', 'day_offset_ms', 'joins_per_network', 'challenge', 'reason', 'openings', 'queueing_ms'}

local function snapshot(keys, s, now_ms)
  local unused = members(keys.claimed)
  local told = {now_ms = now_ms, offers = live_offers(keys), unused = unused,
    leases = unused + members(keys.leases), ghosts = live_ghosts(s),
    since_release_ms = s.vt - s.released_vt, workers = redis.call('ZCOUNT', keys.workers, now_ms - 3000, '+inf'),
    registered = redis.call('ZCARD', keys.workers)}
  for _, name in ipairs(SNAPSHOT) do told[name] = s[name] end
  if s.entering > 0 then told.density = s.entering end -- what an estimate reckons with; see measure_entering
  return cjson.encode(told)
end
