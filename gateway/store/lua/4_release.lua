-- The tick: what time does to the line. Any worker may call it; it decides by its own clock what is due.

local REGISTERED_MS = 300000 -- a worker that is silent for longer is forgotten

-- Offers not claimed in time: the visitor returns by the late lane. Their credit came back before (pass_time).
local function lapse_offers(keys, s)
  if s.phase == 'paused' then return end
  for _, key in ipairs({keys.offers, keys.late_offers}) do
    s.lapsed = s.lapsed + redis.call('ZREMRANGEBYSCORE', key, '-inf', text(s.vt))
  end
end

-- A pass that was never used may never have arrived: its number may come back as a late return.
local function lapse_leases(keys, s)
  for _, number in ipairs(redis.call('ZRANGEBYSCORE', keys.claimed, '-inf', text(s.vt), 'LIMIT', 0, GRANTS_MOST)) do
    redis.call('SETBIT', keys.spent, number, 0)
    redis.call('ZREM', keys.claimed, number)
  end
  redis.call('ZREMRANGEBYSCORE', keys.leases, '-inf', text(s.vt))
end

-- How far to call: about CALL_AHEAD_S of present visitors, widened by the share of the called who are present.
-- Density is measured where everyone had time to answer, and where the cursor went since the last step; while nobody at all answers, the range doubles.
local function call_ahead(keys, s)
  local need = math.max(CALL_LEAST, math.ceil(s.rate / 60 * CALL_AHEAD_S))
  if quota_left(s, 0, 0) <= 0 then need = 0 end -- nobody is told that their turn is near when no place is left
  local moved = s.serving - s.step_serving
  local answered = moved + s.ready - s.serving
  if answered >= CALL_LEAST then
    local served = moved - (s.passed - s.step_passed)
    local share = (served + count_present(keys, s.serving + 1, s.ready)) / answered
    s.density = math.max(0.001, math.min(1, 0.7 * s.density + 0.3 * share))
  end
  local span = need / s.density
  local ahead = s.called - s.serving
  if ahead > 0 and count_present(keys, s.serving + 1, s.called) == 0 then span = math.max(span, 2 * ahead) end
  s.called = math.max(s.called, math.min(s.issued, s.serving + math.ceil(span)))
end

-- `ready` is `called` as it was G ago: everyone up to there has had the time to hear it and to answer.
local function remember_calls(s)
  local due_vt = s.vt - (1.2 * s.poll_max_s * 1000 + 10000)
  local kept = {}
  for vt, called in string.gmatch(s.calls, '(%d+):(%d+)') do
    vt, called = tonumber(vt), tonumber(called)
    if vt <= due_vt then s.ready = math.max(s.ready, math.min(called, s.called))
    else kept[#kept + 1] = text(vt) .. ':' .. text(called) end
  end
  kept[#kept + 1] = text(s.vt) .. ':' .. text(s.called)
  s.calls = table.concat(kept, ' ')
end

-- Of the tickets ahead, the share that enters: who is present may still not come when offered a place. How many do
-- shows in how offers end. Over two minutes or so; what is shown from it, over fifty seconds: chance moves it least.
local function measure_entering(s)
  local claims, lapses = s.claimed - s.step_claimed, s.lapsed - s.step_lapsed
  if s.coming <= 0 then s.coming = 1 end
  if claims + lapses > 0 then
    local weight = math.min(1, (claims + lapses) / math.max(20, 2 * s.rate))
    s.coming = math.max(0.05, s.coming + weight * (claims / (claims + lapses) - s.coming))
  end
  local share = s.density * s.coming
  s.entering = s.entering > 0 and s.entering + 0.1 * (share - s.entering) or share
end

-- Every 5 s of room time: call further, measure what was delivered and how fast newcomers come.
local function step(keys, s)
  local dt = s.vt - s.step_vt
  if dt < STEP_MS then
    -- The first in an idle line need not wait for the step to be called.
    if s.called == s.serving and s.issued > s.called and calls_forward(s) then call_ahead(keys, s) end
    return
  end
  if calls_forward(s) then
    call_ahead(keys, s)
    remember_calls(s)
  end
  local share = math.min(1, dt / 30000)
  s.delivered = s.delivered + share * ((s.claimed - s.step_claimed) * 60000 / dt - s.delivered)
  s.gap = math.max(s.gap, GAP_LEAST, math.ceil((s.issued - s.step_issued) * 10000 / dt))
  s.present = count_present(keys, s.serving + 1, s.issued)
  measure_entering(s)
  s.absent_offers = 0
  for _, key in ipairs({keys.offers, keys.late_offers}) do
    s.absent_offers = s.absent_offers + redis.call('ZCOUNT', key, '-inf', text(s.vt + OFFER_MS - WINDOW_MS))
  end
  s.step_vt, s.step_claimed, s.step_issued = s.vt, s.claimed, s.issued
  s.step_serving, s.step_passed, s.step_lapsed = s.serving, s.passed, s.lapsed
end

local function offer(keys, key, s, positions)
  local expires = text(s.vt + OFFER_MS)
  for first = 1, #positions, 500 do
    local flat = {}
    for i = first, math.min(first + 499, #positions) do
      flat[#flat + 1] = expires
      flat[#flat + 1] = text(positions[i])
    end
    redis.call('ZADD', key, unpack(flat))
  end
end

-- Who knocks at the door, and up to which position they may enter next: 0 while everybody may.
local function keep_door(keys, s)
  redis.call('ZREMRANGEBYSCORE', keys.door, '-inf', text(s.vt - KNOCKING_MS))
  local first = math.max(FIRST_LEAST, math.ceil(FIRST_S * s.rate / 60))
  s.door_limit = 0
  if members(keys.door) <= first then return end
  local positions = {}
  for _, position in ipairs(redis.call('ZRANGE', keys.door, 0, -2)) do
    positions[#positions + 1] = tonumber(position)
  end
  table.sort(positions)
  s.door_limit = positions[first]
end

-- Offers what credit, ceiling and quotas allow. While both lanes wait, the turn alternates; it is stored, since
-- rounding per tick would starve one of them. Late returns hold at most half of the free ceiling.
-- `ahead`: shortly before the doors of a drawn opening, so that its first stand at them.
local function release(keys, s, ahead)
  if not (is_open(s) or ahead) or s.rate <= 0 then return end
  -- More at the door than can enter soon: further offers would only make the order of entry a lottery.
  if members(keys.door) > DOOR_S * math.max(1, s.rate / 60) then return end
  local offers, late_offers = members(keys.offers), members(keys.late_offers)
  local unused = members(keys.claimed)
  local free = s.ceiling - unused - members(keys.leases) - live_ghosts(s)
  local left = quota_left(s, unused, offers + late_offers)
  local budget = math.min(math.floor(s.credit), free - offers - late_offers, left, GRANTS_MOST)
  if budget < 1 then return end
  local late_most = math.max(1, math.floor(free / 2)) - late_offers
  local next_main, next_late = main_lane(keys, s), late_lane(keys, s)
  local main, late = next_main(), next_late()
  local granted, late_granted = {}, {}
  while #granted + #late_granted < budget do
    local late_may = late and #late_granted < late_most
    if late_may and (not main or s.turn == 1) then
      if main then s.turn = 0 end
      late_granted[#late_granted + 1] = late
      clear_late(keys, s, late)
      late = next_late()
    elseif main then
      if late_may then s.turn = 1 end
      granted[#granted + 1] = main
      s.serving = main
      main = next_main()
    else
      break
    end
  end
  s.ready = math.max(s.ready, s.serving)
  s.credit = s.credit - #granted - #late_granted
  -- Time in which nobody was there to be offered anything is not banked: ten offers at once would make the order
  -- in which the first of a surge enter a lottery.
  if not main and not late then s.credit = math.min(s.credit, math.max(1, s.rate / 60)) end
  local offered = #granted + #late_granted
  if offered > 0 then
    s.released_vt = s.vt
    -- Of the last two minutes or so: what late returns take, the main lane does not get.
    local weight = math.min(1, offered / math.max(20, 2 * s.rate))
    s.late_share = s.late_share + weight * (#late_granted / offered - s.late_share)
  end
  offer(keys, keys.offers, s, granted)
  offer(keys, keys.late_offers, s, late_granted)
end

local function sample(keys, s, now_ms)
  if math.abs(now_ms - s.sample_ms) < SAMPLE_MS then return end
  s.sample_ms = now_ms
  local row = {}
  for _, value in ipairs({now_ms, s.vt, s.issued, s.called, s.serving, s.claimed, inside(keys, s), s.late,
    s.present, s.passed, s.rate, s.ceiling, s.finished, s.lapsed, s.late_returns}) do
    row[#row + 1] = text(value)
  end
  redis.call('RPUSH', keys.samples, table.concat(row, ' '))
  redis.call('LTRIM', keys.samples, -SAMPLES_KEPT, -1)
  -- A worker that died will not ask for its last join again: its memory of it may go.
  local answers = redis.call('HGETALL', keys.joins)
  for i = 1, #answers, 2 do
    if s.vt - cjson.decode(answers[i + 1])[2] > 600000 then redis.call('HDEL', keys.joins, answers[i]) end
  end
  redis.call('ZREMRANGEBYSCORE', keys.workers, '-inf', now_ms - REGISTERED_MS)
end

-- What of the rate is released here. A silent worker of a room that admits without the store (`:admit`) may be cut
-- off and letting its own share in.
local function heard_share(keys, now_ms)
  local silent = 0
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', keys.workers, '-inf', now_ms - 3000)) do
    if string.sub(worker, -6) == ':admit' then silent = silent + 1 end
  end
  local registered = redis.call('ZCARD', keys.workers)
  return registered > silent and (registered - silent) / registered or 1
end

-- tick: moves room time and the line. Within 200 ms of the last one it only reads.
-- ARGV  3 worker id ('' for a reader)   4.. metric name, amount to add, for each
-- Returns  the snapshot.
-- Keeps true: serving <= ready <= called <= issued; offers within credit, ceiling and quotas; nobody absent is passed
-- over who had not the time to hear that they were called; a gap in ticks gives everyone that time anew.
local function tick(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, ARGV[2])
  if not s then return err end
  if not sentinels_stand(keys) then return redis.error_reply('RESTORE keys are missing') end
  if ARGV[3] ~= '' then redis.call('ZADD', keys.workers, now_ms, ARGV[3]) end
  for i = 4, #ARGV, 2 do redis.call('HINCRBYFLOAT', keys.metrics, ARGV[i], ARGV[i + 1]) end
  local since = now_ms - s.tick_ms
  if since >= 0 and since < 200 then return snapshot(keys, s, now_ms) end
  if since > GAP_TICK_MS then grace(s) end
  s.tick_ms = now_ms
  s.share = heard_share(keys, now_ms)
  pass_time(keys, s, now_ms)
  keep_day(s, now_ms)
  keep_schedule(keys, s, now_ms)
  lapse_offers(keys, s)
  lapse_leases(keys, s)
  step(keys, s)
  keep_door(keys, s)
  local ahead = opens_shortly(s, now_ms)
  if ahead then s.credit = credit_ahead(keys, s) end
  release(keys, s, ahead)
  if s.late == 0 and (s.serving == s.issued or s.present == 0) then s.released_vt = s.vt end
  note_queueing(keys, s, now_ms)
  sample(keys, s, now_ms)
  save_state(keys, s)
  return snapshot(keys, s, now_ms)
end
