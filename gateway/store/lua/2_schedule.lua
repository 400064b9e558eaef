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

local CLOSED_SHOWN_MS = 60000  -- pages say that the room has closed before the next countdown begins
local KEPT_CLOSED_MS = 3600000 -- a line closed by hand before its time is kept until so long before the next opening
local GATHER_MS = 300000       -- a drawn opening that begins late gives people at least this before its freeze

-- Whether nobody of this line is owed anything any more.
local function is_over(keys, s, following, now_ms)
  if s.phase ~= 'closed' or s.vt - s.empty_vt < CLOSED_SHOWN_MS then return false end
  return in_line(keys, s) == 0 or (s.closes_at_ms > 0 and now_ms >= s.closes_at_ms)
    or now_ms >= following.opens_at_ms - KEPT_CLOSED_MS
end

-- The next opening, once the line before it is over. One that begins late is moved, and keeps its length.
local function begin_next(keys, s, now_ms)
  if s.openings == '' then return false end
  local planned = planned_of(s)
  local opening = table.remove(planned, 1)
  if not is_over(keys, s, opening, now_ms) then return false end
  local gather = opening.draw ~= '' and cjson.decode(opening.draw).freeze_s * 1000 + GATHER_MS or 0
  local late = math.max(0, now_ms + gather - opening.opens_at_ms)
  opening.opens_at_ms = opening.opens_at_ms + late
  if opening.closes_at_ms > 0 then opening.closes_at_ms = opening.closes_at_ms + late end
  keep_planned(s, planned)
  begin_opening(keys, s, opening, now_ms, 'schedule', late > 0 and 'begun late: the line before was not over' or '')
  return true
end

-- Doors by the clock on the wall: they open and close when they were said to. Returns whether a new line began.
local function keep_schedule(keys, s, now_ms)
  if begin_next(keys, s, now_ms) then return true end
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
  return false
end

-- Since when somebody has waited; 0 in standby, where everybody passes straight through.
local function note_queueing(keys, s, now_ms)
  local waits = s.serving < s.issued or s.late > 0 or members(keys.door) > 0
  if not waits then s.queueing_ms = 0 elseif s.queueing_ms == 0 then s.queueing_ms = now_ms end
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

-- A tab in the background looks once a minute: of three who are offered, about one knocks in time. Whoever is offered
-- more than can enter at once waits at the door; when enough stand there, nobody else is offered anything.
local AHEAD_OFFERS = 3

local function credit_ahead(keys, s)
  return math.max(0, AHEAD_OFFERS * DOOR_S * math.max(1, s.rate / 60) - live_offers(keys))
end
