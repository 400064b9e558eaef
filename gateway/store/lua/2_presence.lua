-- Presence: who was seen in the current or the previous window, as one bit a position.

local function mark(keys, s, position)
  redis.call('SETBIT', keys.seen[s.window % 2], position, 1)
end

-- Marks first..last, whole bytes at a time where it is worth it.
local function mark_range(keys, s, first, last)
  local key = keys.seen[s.window % 2]
  while first <= last and (first % 8 ~= 0 or last - first < 64) do
    redis.call('SETBIT', key, first, 1)
    first = first + 1
  end
  local bytes = math.floor((last - first + 1) / 8)
  if bytes > 0 then
    redis.call('SETRANGE', key, first / 8, string.rep('\255', bytes))
    first = first + bytes * 8
  end
  for position = first, last do redis.call('SETBIT', key, position, 1) end
end

local function is_present(keys, position)
  return redis.call('GETBIT', keys.seen[0], position) == 1 or redis.call('GETBIT', keys.seen[1], position) == 1
end

local function forget_presence(keys, position)
  redis.call('SETBIT', keys.seen[0], position, 0)
  redis.call('SETBIT', keys.seen[1], position, 0)
end

-- How many of first..last are present: the fuller of the two windows, which counts nobody twice.
local function count_present(keys, first, last)
  if first > last then return 0 end
  local even = redis.call('BITCOUNT', keys.seen[0], first, last, 'BIT')
  local odd = redis.call('BITCOUNT', keys.seen[1], first, last, 'BIT')
  return math.max(even, odd)
end

-- Walks the main lane from the front. Each call returns the next present position, or nil when there is none
-- that may be served: an absent one is passed over only up to `ready`, one who left at once. `serving` follows
-- what is passed over; the position returned is the caller's to serve or to leave.
local function main_lane(keys, s)
  local from, even, odd, gone
  local scanned = 0
  local function bits(position)
    local byte = math.floor(position / 8)
    if not from or byte >= from + 512 then
      from = byte
      even = redis.call('GETRANGE', keys.seen[0], from, from + 511)
      odd = redis.call('GETRANGE', keys.seen[1], from, from + 511)
      gone = redis.call('GETRANGE', keys.gone, from, from + 511)
      scanned = scanned + 512
    end
    local i = byte - from + 1
    local left = string.byte(gone, i) or 0
    return bit.band(bit.bor(string.byte(even, i) or 0, string.byte(odd, i) or 0), bit.bnot(left)), left
  end
  return function()
    while s.serving < s.called and scanned < SCAN_BYTES_MOST do
      local position = s.serving + 1
      local present, left = bits(position)
      local mask = bit.rshift(128, position % 8)
      if bit.band(present, mask) ~= 0 then return position end
      if present == 0 and position % 8 == 0 and position + 7 <= s.ready then
        s.serving = position + 7
        s.passed = s.passed + 8
      elseif position <= s.ready or bit.band(left, mask) ~= 0 then
        s.serving = position
        s.passed = s.passed + 1
      else
        return nil
      end
    end
    return nil
  end
end

-- Takes the late bit of a position away. Keeps true: s.late is the number of late bits set.
local function clear_late(keys, s, position)
  if redis.call('SETBIT', keys.late, position, 0) == 1 then s.late = s.late - 1 end
end

-- Walks the late lane, lowest position first. The absent lose their bit: it is set again when they return.
local function late_lane(keys, s)
  local examined, from = 0, 1
  return function()
    while s.late > 0 and examined < LATE_EXAMINED_MOST do
      local position = redis.call('BITPOS', keys.late, 1, from, -1, 'BIT')
      if position < 0 then return nil end
      examined = examined + 1
      from = position + 1
      if is_present(keys, position) then return position end
      clear_late(keys, s, position)
    end
    return nil
  end
end
