-- What visitors do: join, check in, look, use their pass, finish, leave.

local WAITING, CALLED, ADMITTED, LATE = 'waiting', 'called', 'admitted', 'late'
local FINISHED, EXPIRED, WITHDRAWN, ENDED, UNKNOWN = 'finished', 'expired', 'withdrawn', 'closed', 'unknown'
local MOVED = 'moved'
local PASS_HELD = -1 -- in place of a ticket's device: who holds a pass is the one who was let in

-- What happened to those who reached the front, for the help desk: bounded, newest first.
local LOG_KEPT = 20000
local function log_event(keys, now_ms, what, number)
  local events = keys.events or {}
  keys.events = events
  events[#events + 1] = text(now_ms) .. ' ' .. what .. ' ' .. text(number)
end

-- Writes what log_event noted: at the end of each function that calls it.
local function write_log(keys)
  if not keys.events then return end
  for first = 1, #keys.events, MANY do
    redis.call('LPUSH', keys.log, unpack(keys.events, first, math.min(first + MANY - 1, #keys.events)))
  end
  redis.call('LTRIM', keys.log, 0, LOG_KEPT - 1)
end

-- One admission, `wait_ms` from now: the pass is signed then, and the visitor is inside. Sets the spent mark of the
-- number, which a return takes away, and the one that it was let in, which stays: its pass may be about. The lease runs from that moment too, which also says what is left of the wait to whoever asks again.
-- Who was inside before was counted against the quotas then: that lease counts as used.
local function admit(keys, s, now_ms, number, wait_ms)
  local again = redis.call('SETBIT', keys.spent, number, 1) == 1
  redis.call('SETBIT', keys.let_in, number, 1)
  redis.call('ZADD', again and keys.leases or keys.claimed, text(s.vt + wait_ms + UNUSED_LEASE_MS), text(number))
  s.claim_credit = s.claim_credit - 1
  s.claimed = s.claimed + 1
  s.released_vt = s.vt
  log_event(keys, now_ms, 'claimed', number)
end

-- How many of `count` newcomers go straight in: only when nobody waits in either lane, and within every limit.
local function straight_in(keys, s, count)
  if s.phase ~= 'open' or s.rate <= 0 or s.serving < s.issued or s.late > 0 then return 0 end
  local free, unused, offers = s.ceiling - live_ghosts(s), members(keys.claimed), live_offers(keys)
  local most = math.min(free - unused - members(keys.leases) - offers, quota_left(s, unused, offers))
  return math.max(0, math.min(count, math.floor(s.credit), math.floor(s.claim_credit), most))
end

-- join: numbers for a batch of newcomers, who are present by having come.
-- ARGV  3 worker id (random, made per process start)   4 sequence of this worker's joins   5 count
-- Returns  instance, generation, first number, count, how many of them (the lowest) are admitted at once.
-- Keeps true: no number is given out twice; the same sequence gets the same answer; an older one is refused.
local function join(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local worker, sequence, count = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
  local s, err = open_line(keys, ARGV[2])
  if not s then return err end
  local before = redis.call('HGET', keys.joins, worker)
  if before then
    local answered = cjson.decode(before)
    if answered[1] == sequence then return answered[3] end
    if answered[1] > sequence then return redis.error_reply('STALE join') end
  end
  if s.phase == 'closed' or s.phase == 'last-call' then return redis.error_reply('CLOSED ' .. s.phase) end
  pass_time(keys, s, now_ms)
  freeze_if_due(s, now_ms)
  local admitted = straight_in(keys, s, count)
  local first = s.issued + 1
  s.issued = s.issued + count
  set_range(keys.seen[s.window % 2], first, s.issued)
  for number = first, first + admitted - 1 do admit(keys, s, now_ms, number, 0) end
  if admitted > 0 then
    s.credit = s.credit - admitted
    s.serving = first + admitted - 1
    s.called = math.max(s.called, s.serving)
    s.ready = math.max(s.ready, s.serving)
  end
  local answer = {s.instance, text(s.generation), text(first), text(count), text(admitted)}
  redis.call('HSET', keys.joins, worker, cjson.encode({sequence, s.vt, answer}))
  write_log(keys)
  save_state(keys, s)
  return answer
end

local function is_inside(keys, number)
  return redis.call('ZSCORE', keys.claimed, number) or redis.call('ZSCORE', keys.leases, number)
end

-- The offers among which the position has one, and the room time at which it lapses.
local function is_offered(keys, position)
  for _, offers in ipairs({keys.offers, keys.late_offers}) do
    local lapses_vt = redis.call('ZSCORE', offers, position)
    if lapses_vt then return offers, tonumber(lapses_vt) end
  end
  return nil
end

local function ended(keys, number)
  if redis.call('GETBIT', keys.withdrawn, number) == 0 then return nil end
  return redis.call('GETBIT', keys.spent, number) == 1 and FINISHED or WITHDRAWN
end

-- The device that each place was moved to last; nil while none was ever moved.
local function devices_of(keys, numbers)
  if redis.call('HLEN', keys.moves) == 0 then return nil end
  local devices = {}
  for first = 1, #numbers, MANY do
    local last = math.min(first + MANY - 1, #numbers)
    for _, moved in ipairs(redis.call('HMGET', keys.moves, unpack(numbers, first, last))) do
      devices[#devices + 1] = moved and tonumber(string.match(moved, '^%d+')) or 0
    end
  end
  return devices
end

-- Whether the ticket is of a device that the place has left. A ticket is proof of its move, should the store have lost
-- that; but not against one who was let in meanwhile.
local function has_moved(keys, number, device, current)
  if device == PASS_HELD or device == current then return false end
  if device < current then return true end
  if redis.call('GETBIT', keys.spent, number) == 1 then return true end
  redis.call('HSET', keys.moves, number, text(device) .. ' ')
  return false
end

-- `admitted`, and how long the visitor is to wait before hearing it.
local function admitted_in(wait_ms)
  return wait_ms > 0 and ADMITTED .. ' ' .. text(math.ceil(wait_ms)) or ADMITTED
end

-- The same for a number that claimed before: asking twice, from two tabs say, lets nobody in before the time.
local function admitted_before(keys, s, number)
  local lapses_vt = redis.call('ZSCORE', keys.claimed, number) or redis.call('ZSCORE', keys.leases, number)
  local wait_ms = tonumber(lapses_vt) - UNUSED_LEASE_MS - s.vt
  return admitted_in(wait_ms <= KNOCK_MS and wait_ms or 0) -- longer: a lease in use, whose score says nothing of a wait
end

-- How long a claim made now has to wait for its place in the rate, in ms; nil when too many wait already. Without
-- this short booking, a bucket one visitor deep stands full and idle until the next knock: a fifth of a low rate.
-- While more knock than can enter soon, only the foremost of them may: the order of entry is no lottery.
local function wait_to_claim(s, position)
  if s.rate <= 0 or not is_open(s) then return nil end
  if s.door_limit > 0 and position > s.door_limit then return nil end
  if s.claim_credit - 1 < -math.max(BOOKED_LEAST, s.rate / 60) then return nil end
  local wait_ms = math.max(0, (1 - s.claim_credit) * 60000 / s.rate)
  -- Longer than until the next knock: nobody is kept waiting for an answer, and the unused lease is not running.
  if wait_ms > KNOCK_MS then return nil end
  return wait_ms
end

-- A claim, as the answer tells it: on time, or by the late lane or after a silence longer than a presence window.
-- How long such a visitor waited says nothing of what was told.
local function claimed_in(keys, s, offers, lapses_vt, wait_ms)
  local silent_ms = s.vt - (lapses_vt - OFFER_MS) -- since the offer, or the last knock
  local late = offers == keys.late_offers or silent_ms > WINDOW_MS
  return ADMITTED .. ' ' .. text(math.ceil(wait_ms)) .. (late and ' late' or ' on-time')
end

-- A quota that is used up keeps out who was never inside. Who was, and idled out, takes nothing of it: such a visitor
-- goes in without an offer, which would count, as soon as rate and ceiling allow.
local function admit_again(keys, s, now_ms, position, number)
  local unused, offers = members(keys.claimed), live_offers(keys)
  if quota_left(s, unused, offers) > 0 or inside(keys, s) >= s.ceiling then return false end
  if wait_to_claim(s, position) ~= 0 then return false end
  clear_late(keys, s, position)
  admit(keys, s, now_ms, number, 0)
  return true
end

-- Behind the cursor: claim the offer if there is one, else return by the late lane.
local function check_in_served(keys, s, now_ms, position, number, returning)
  if is_inside(keys, number) then return admitted_before(keys, s, number) end
  if s.phase == 'closed' then return ENDED end
  local offers, lapses_vt = is_offered(keys, position)
  if offers then
    mark(keys, s, position)
    local wait_ms = wait_to_claim(s, position)
    if not wait_ms then
      redis.call('ZADD', keys.door, text(s.vt), position)
      redis.call('ZADD', offers, text(s.vt + OFFER_MS), position)
      return CALLED
    end
    redis.call('ZREM', offers, position)
    redis.call('ZREM', keys.door, position)
    admit(keys, s, now_ms, number, wait_ms)
    return claimed_in(keys, s, offers, lapses_vt, wait_ms)
  end
  local spent = redis.call('GETBIT', keys.spent, number) == 1
  if spent and not returning then return EXPIRED end
  mark(keys, s, position)
  if spent and admit_again(keys, s, now_ms, position, number) then return ADMITTED .. ' 0 late' end
  if redis.call('SETBIT', keys.late, position, 1) == 0 then
    s.late = s.late + 1
    s.late_returns = s.late_returns + 1
    log_event(keys, now_ms, 'late', number)
  end
  return LATE
end

-- check_in: a batch of visitors say "I am here"; whoever holds an offer claims it.
-- ARGV  3 instance   4.. position, number, and the ticket's device (-1: a pass within its hard limit is held), for each
-- Returns  a state for each; after `admitted` the milliseconds to wait before letting the visitor know, if any:
-- the claim counts for that moment. After the first `admitted` of a number also `on-time` or `late`.
-- Keeps true: claims stay within the rate; one number has one lease, however often it claims; who knocks at an
-- empty bucket keeps the offer; a ticket of a device that the place has left gets nothing.
local function check_in(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, ARGV[2], ARGV[3])
  if not s then return err end
  pass_time(keys, s, now_ms)
  local count, positions, numbers = (#ARGV - 3) / 3, {}, {}
  if count == 0 then return {} end
  local first, last, least, most, ahead = math.huge, 0, math.huge, 0, 0 -- of those ahead of the cursor: returns are few
  for i = 1, count do
    local position, number = tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
    positions[i], numbers[i] = position, number
    if position > s.serving then
      ahead = ahead + 1
      first, last = math.min(first, position), math.max(last, position)
      least, most = math.min(least, number), math.max(most, number)
    end
  end
  local now_seen = keys.seen[s.window % 2]
  local is_withdrawn = bits_between(keys.withdrawn, least, most, ahead)
  local is_seen = bits_between(now_seen, first, last, ahead)
  local devices = devices_of(keys, numbers)
  local states, waiting = {}, {}
  for i = 1, count do
    local position, number, device = positions[i], numbers[i], tonumber(ARGV[3 * i + 3])
    local state
    if number > s.issued + s.gap then
      state = UNKNOWN
    else
      -- A genuine number above `issued` was given out before the store lost its last moments.
      s.issued = math.max(s.issued, number)
      if is_withdrawn(number) == 1 then state = ended(keys, number)
      elseif has_moved(keys, number, device, devices and devices[i] or 0) then state = MOVED end
    end
    if not state and position <= s.serving then
      state = check_in_served(keys, s, now_ms, position, number, device == PASS_HELD)
    elseif not state and s.phase == 'closed' then
      state = ENDED
    elseif not state then
      waiting[#waiting + 1] = position
      if is_seen(position) == 0 then redis.call('SETBIT', now_seen, position, 1) end
      state = position <= s.called and CALLED or WAITING
    end
    states[i] = state
  end
  -- A number of a safety gap was given out after all.
  if s.skipped ~= '' and #waiting > 0 then set_bits(keys.gone, waiting, 0) end
  write_log(keys)
  save_state(keys, s)
  return states
end

-- look: the same states, without marking, claiming or writing anything.
-- ARGV  as check_in.  Returns  a state for each.
local function look(KEYS, ARGV)
  local keys = keys_of(KEYS)
  local s, err = open_line(keys, ARGV[2], ARGV[3])
  if not s then return err end
  local states = {}
  for i = 4, #ARGV, 3 do
    local position, number, device = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
    local state = number > s.issued + s.gap and UNKNOWN or ended(keys, number)
    local devices = not state and devices_of(keys, {number})
    if devices and device ~= PASS_HELD and device < devices[1] then state = MOVED end
    if not state and position <= s.serving then
      if is_inside(keys, number) then state = ADMITTED
      elseif s.phase == 'closed' then state = ENDED
      elseif is_offered(keys, position) then state = CALLED
      elseif redis.call('GETBIT', keys.spent, number) == 1 and device ~= PASS_HELD then state = EXPIRED
      else state = LATE end
    end
    states[#states + 1] = state or (s.phase == 'closed' and ENDED) or (position <= s.called and CALLED) or WAITING
  end
  return states
end

-- A pass without a lease: the store lost that, or it lapsed unused and gave its place of the quota back. Of the second
-- kind nobody goes on when that place is gone. Of those whom a loss forgot, the quotas have counted all that were known.
local function take_back(keys, s, number)
  local fresh = redis.call('SETBIT', keys.spent, number, 1) == 0 and (s.generation == 1 or live_ghosts(s) == 0)
  if fresh and quota_left(s, members(keys.claimed), live_offers(keys)) < 1 then
    redis.call('SETBIT', keys.spent, number, 0)
    return false
  end
  if fresh then count_use(s) end
  s.found = s.found + 1
  return true
end

-- touch: passes were used. The first use turns an unused lease into a whole one; a lost lease is made again.
-- ARGV  3 instance   4.. numbers.  Returns  1 for each that may go on, 0 for one that finished or was withdrawn, or
-- whose lease lapsed unused when the quota has no place left.
-- Keeps true: the first use of a pass counts against the quotas, once a visitor.
local function touch(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, ARGV[2], ARGV[3])
  if not s then return err end
  local numbers, expires = {unpack(ARGV, 4)}, text(s.vt + LEASE_MS)
  if #numbers == 0 then return {} end
  local withdrawn = get_bits(keys.withdrawn, numbers)
  local used = redis.call('ZMSCORE', keys.leases, unpack(numbers))
  local answers, flat, found = {}, {}, {} -- a number may come twice in one batch
  keep_day(s, now_ms)
  for i, number in ipairs(numbers) do
    answers[i] = 1 - withdrawn[i]
    if answers[i] == 1 and not used[i] and not found[number] then
      if redis.call('ZREM', keys.claimed, number) == 1 then
        count_use(s)
        log_event(keys, now_ms, 'entered', number)
        found[number] = true
      elseif take_back(keys, s, number) then
        found[number] = true
      else
        answers[i] = 0
      end
    end
    if answers[i] == 1 then
      flat[#flat + 1] = expires
      flat[#flat + 1] = number
    end
  end
  if #flat > 0 then redis.call('ZADD', keys.leases, unpack(flat)) end
  write_log(keys)
  save_state(keys, s)
  return answers
end

-- finish: these visitors are done. Frees their places inside; their passes are refused from now on.
-- ARGV  3 instance   4.. numbers.  Returns  how many were not finished before.
-- Keeps true: who finished waits in no lane and holds no offer. (In a line that was drawn, where the position is not
-- the number, the bit and the offer lapse by themselves.)
local function finish(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, ARGV[2], ARGV[3])
  if not s then return err end
  local numbers, fresh = {unpack(ARGV, 4)}, 0
  if #numbers == 0 then return 0 end
  redis.call('ZREM', keys.claimed, unpack(numbers))
  redis.call('ZREM', keys.leases, unpack(numbers))
  set_bits(keys.spent, numbers, 1)
  if s.draw == '' then
    for _, key in ipairs({keys.offers, keys.late_offers, keys.door}) do redis.call('ZREM', key, unpack(numbers)) end
    for _, was in ipairs(set_bits(keys.late, numbers, 0)) do s.late = s.late - was end
  end
  for i, was in ipairs(set_bits(keys.withdrawn, numbers, 1)) do
    if was == 0 then
      fresh = fresh + 1
      log_event(keys, now_ms, 'finished', numbers[i])
    end
  end
  write_log(keys)
  s.finished = s.finished + fresh
  save_state(keys, s)
  return fresh
end

-- leave: these places are given up, by the visitor or by an operator.
-- ARGV  3 instance   4.. position, number for each.  Returns  how many held a place.
-- Keeps true: a place ahead of the cursor is passed over at once.
local function leave(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, ARGV[2], ARGV[3])
  if not s then return err end
  local left = 0
  for i = 4, #ARGV, 2 do
    local position, number = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    if number <= s.issued and redis.call('SETBIT', keys.withdrawn, number, 1) == 0 then
      left = left + 1
      redis.call('SETBIT', keys.spent, number, 0)
      redis.call('ZREM', keys.claimed, number)
      redis.call('ZREM', keys.leases, number)
      redis.call('ZREM', keys.offers, position)
      redis.call('ZREM', keys.late_offers, position)
      redis.call('ZREM', keys.door, position)
      forget_presence(keys, position)
      clear_late(keys, s, position)
      if position > s.serving then redis.call('SETBIT', keys.gone, position, 1) end
      log_event(keys, now_ms, 'withdrawn', number)
    end
  end
  write_log(keys)
  save_state(keys, s)
  return left
end

-- reinstate: an operator gives places back. Who was passed meanwhile goes in by the late lane.
-- ARGV  3 instance   4.. position, number for each.  Returns  how many had been given up or finished.
local function reinstate(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, ARGV[2], ARGV[3])
  if not s then return err end
  local back = 0
  for i = 4, #ARGV, 2 do
    local position, number = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    if number <= s.issued and redis.call('SETBIT', keys.withdrawn, number, 0) == 1 then
      back = back + 1
      redis.call('SETBIT', keys.spent, number, 0)
      redis.call('SETBIT', keys.gone, position, 0)
      log_event(keys, now_ms, 'reinstated', number)
    end
  end
  write_log(keys)
  return back
end
