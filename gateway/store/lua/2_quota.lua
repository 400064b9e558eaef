-- Quotas: how many may be let in, in a day and by this line altogether; 0 is no quota. A visitor counts once, from the
-- first use of the pass; a pass that is never used gives its place back when its lease lapses.

local DAY_MS = 86400000

-- The day by the store's clock in the room's zone. It ends once: a clock that is set back a little begins no day anew.
local function keep_day(s, now_ms)
  local day = math.floor((now_ms + s.day_offset_ms) / DAY_MS)
  if day > s.day or day < s.day - 1 then s.day, s.day_used = day, 0 end
end

-- How many more may be offered a place, by the quotas.
-- Keeps true: those who used a pass, the leases not used yet and the live offers are together never above a quota.
local function quota_left(s, unused, offers)
  local left = math.huge
  if s.total_quota > 0 then left = s.total_quota - s.used end
  if s.daily_quota > 0 then left = math.min(left, s.daily_quota - s.day_used) end
  return left - unused - offers
end

local function count_use(s)
  s.used, s.day_used = s.used + 1, s.day_used + 1
end
