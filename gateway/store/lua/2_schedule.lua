-- The schedule: when the pre-queue is frozen, when the doors open, when they close; and the draw's public facts.
--
-- The draw is one JSON text in the line hash ('' for an opening without one), written once and completed in three
-- steps that never go back: committed, frozen (N is fixed), drawn (entropy and secret are published).

local function draw_of(s) return s.draw ~= '' and cjson.decode(s.draw) or nil end

local function keep_draw(s, draw)
  s.draw = cjson.encode(draw)
  s.drawn = draw.secret ~= '' and draw.size or 0
end

local function rank(text_of_draw)
  if text_of_draw == '' then return 0 end
  local draw = cjson.decode(text_of_draw)
  if draw.secret ~= '' then return 4 end
  if draw.entropy ~= '' then return 3 end
  return draw.frozen_ms > 0 and 2 or 1
end

-- After a loss: whoever knows more of the same draw is right, since no step is ever taken twice.
local function merge_draw(s, known)
  if rank(known) > rank(s.draw) then s.draw = known end
  local draw = draw_of(s)
  if not draw then return end
  s.drawn = draw.secret ~= '' and draw.size or 0
  s.issued = math.max(s.issued, draw.size)
end

-- Whether the order of this line is still to be drawn: until then nobody may be let in.
local function awaits_draw(s)
  local draw = draw_of(s)
  return draw ~= nil and draw.secret == ''
end

-- Keeps true: N counts exactly those who joined before the first call past the freeze, that call's own joins not.
local function freeze_if_due(s, now_ms)
  if s.phase ~= 'scheduled' or s.draw == '' or s.opens_at_ms == 0 then return false end
  local draw = draw_of(s)
  if now_ms < s.opens_at_ms - draw.freeze_s * 1000 then return false end
  draw.size, draw.frozen_ms = s.issued, now_ms
  keep_draw(s, draw)
  s.phase = 'drawn'
  s.revision = s.revision + 1
  return true
end

local function open_by_schedule(keys, s, now_ms)
  if s.opens_at_ms == 0 or now_ms < s.opens_at_ms or awaits_draw(s) then return end
  -- Who was drawn to the front has been called since the draw: nobody needs that time anew.
  local drawn, ready, calls = s.phase == 'drawn', s.ready, s.calls
  change_phase(keys, s, 'open')
  if drawn then s.ready, s.calls = ready, calls end
  s.revision = s.revision + 1
end

-- Doors by the clock on the wall: they open and close when they were said to.
local function keep_schedule(keys, s, now_ms)
  freeze_if_due(s, now_ms)
  if s.phase == 'scheduled' or s.phase == 'drawn' then
    open_by_schedule(keys, s, now_ms)
  elseif s.phase == 'open' and s.closes_at_ms > 0 and now_ms >= s.closes_at_ms then
    change_phase(keys, s, s.ending == 'cut' and 'closed' or 'last-call')
    s.revision = s.revision + 1
  elseif s.phase == 'last-call' then
    local empty = s.serving == s.issued and s.late == 0 and live_offers(keys) == 0
    if not empty then s.empty_vt = s.vt end
    if s.vt - s.empty_vt >= LAST_CALL_EMPTY_MS then
      change_phase(keys, s, 'closed')
      s.revision = s.revision + 1
    end
  end
end

-- Whether visitors are called to the door: also between the draw and the opening, so that the rate is delivered
-- from the first second.
local function calls_forward(s) return is_open(s) or (s.phase == 'drawn' and not awaits_draw(s)) end

-- The foremost are offered their place shortly before the doors open, as many as may stand at them: they knock every
-- two seconds then, and none of them enters before. Without it the first ten seconds deliver half of the rate.
local AHEAD_MS = 15000
local function opens_shortly(s, now_ms)
  return s.phase == 'drawn' and not awaits_draw(s) and s.opens_at_ms - now_ms <= AHEAD_MS
end

local function credit_ahead(keys, s)
  return math.max(0, DOOR_S * math.max(1, s.rate / 60) - live_offers(keys))
end
