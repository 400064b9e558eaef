-- A line begins: by an operator's word, or when an opening's time has come. And what was done is kept in the audit.

local function refuse(why) return redis.error_reply('REFUSED ' .. why) end

local function in_line(keys, s) return s.issued - s.serving + s.late + live_offers(keys) end

-- What turns the rate by itself moves it every few seconds for hours: in a row of moves each takes the place of the
-- one before and keeps where the row began. What people did would be crowded out otherwise.
local BY_ITSELF = {ramp = true, autopilot = true}

local function continue_row(keys, actor, changes)
  local newest = BY_ITSELF[actor] and redis.call('LINDEX', keys.audit, 0)
  if not newest then return end
  local entry = cjson.decode(newest)
  if entry.actor ~= actor or not entry.changes or not entry.changes.rate or not changes.rate then return end
  changes.rate[1] = entry.changes.rate[1]
  redis.call('LPOP', keys.audit)
end

local function note(keys, s, now_ms, actor, why, changes)
  continue_row(keys, actor, changes)
  redis.call('LPUSH', keys.audit, cjson.encode({revision = s.revision, at_ms = now_ms, actor = actor, why = why,
    changes = changes}))
  redis.call('LTRIM', keys.audit, 0, AUDIT_KEPT - 1)
end

-- The line from number 1, under another id; those inside stay inside. What counts against the quota of a day stays
-- too, and passes that were not used yet may still be; the total is of a line, and begins anew.
local function begin_again(keys, s, instance, now_ms)
  local still_inside = live_leases(keys) + live_ghosts(s)
  keep_day(s, now_ms)
  s.day_used = s.day_used + members(keys.claimed)
  for _, key in ipairs(bitmaps(keys)) do redis.call('UNLINK', key) end
  for _, key in ipairs(zsets(keys)) do redis.call('UNLINK', key) end
  redis.call('UNLINK', keys.joins, keys.samples, keys.log, keys.stamps, keys.moves)
  plant_sentinels(keys)
  for _, name in ipairs({'issued', 'called', 'ready', 'serving', 'late', 'claimed', 'finished', 'lapsed', 'passed',
    'late_returns', 'delivered', 'present', 'step_claimed', 'step_issued', 'step_serving', 'step_passed', 'found',
    'late_share', 'drawn', 'coming', 'entering', 'step_lapsed', 'used', 'queueing_ms'}) do s[name] = 0 end
  s.instance, s.started_ms, s.generation, s.starts, s.skipped, s.draw, s.reason = instance, now_ms, 1, '', '', '', ''
  s.ghosts, s.ghosts_vt, s.density = still_inside, s.vt, 1
  grace(s)
end

-- The openings to come, in the order of their times: JSON in the state, so that every snapshot carries them.
local function planned_of(s) return s.openings ~= '' and cjson.decode(s.openings) or {} end

local function keep_planned(s, planned) s.openings = #planned > 0 and cjson.encode(planned) or '' end

-- The line of an opening; `opening` is as in `planned_of`. The caller saves it.
-- Keeps true: the commitment is there before the first number of its line.
local function begin_opening(keys, s, opening, now_ms, actor, why)
  local was, challenge = s.phase, s.challenge
  begin_again(keys, s, opening.instance, now_ms)
  if (opening.challenge or '') ~= '' then s.challenge = tonumber(opening.challenge) end
  for _, name in ipairs({'opens_at_ms', 'closes_at_ms', 'ending', 'draw', 'reason'}) do s[name] = opening[name] end
  change_phase(keys, s, 'scheduled')
  s.revision = s.revision + 1
  note(keys, s, now_ms, actor, why,
    {opening = {was, text(opening.opens_at_ms)}, order = {'', opening.draw ~= '' and 'draw' or 'fifo'},
    challenge = {challenge, s.challenge}})
end
