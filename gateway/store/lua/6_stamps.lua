-- Stamps: what a worker gave to newcomers while it could not reach the store. A stamp is a block (worker id, a dot,
-- a count) and an index in it; each block gets its numbers at once, in the order in which its stamps were given.

-- Stamps are for numbers, which a draw leaves as they are: only the line must be the same.
local function open_line_of(keys, ARGV)
  local s, err = open_line(keys, ARGV[2])
  local instance = string.match(ARGV[3], '^[^:]*')
  if s and instance ~= '' and instance ~= s.instance then
    return nil, redis.error_reply('OTHERLINE the room has a new line')
  end
  return s, err
end

local UNHEARD_MS = 10000 -- a worker that has not ticked for so long will not reserve its block soon

-- reserve: numbers for one block of stamps, present by having come. Asked again, it answers the same.
-- ARGV  3 instance ('' if the worker knew none)   4 block   5 count
--       6 first number that the worker was given before the store lost it, 0 for none
-- Returns  generation, first number.
-- Keeps true: a block has one run of numbers, which nobody else is given.
local function reserve(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line_of(keys, ARGV)
  if not s then return err end
  local block, count, first = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
  local before = redis.call('HGET', keys.stamps, block)
  if before then return {text(s.generation), before} end
  if first == 0 then
    if s.phase == 'closed' then return redis.error_reply('CLOSED ' .. s.phase) end
    pass_time(keys, s, now_ms)
    first = s.issued + 1
    s.issued = s.issued + count
    set_range(keys.seen[s.window % 2], first, s.issued)
    save_state(keys, s)
  end
  redis.call('HSET', keys.stamps, block, text(first))
  return {text(s.generation), text(first)}
end

-- redeem: stamps become numbers. One whose worker is gone for good gets a number of its own, once.
-- ARGV  3 instance   4.. block, index, and 1 if the store has been back long enough for every worker to have reserved
-- Returns  a number for each; 0 for one whose worker is still to reserve, -1 when closed.
-- Keeps true: one stamp has one number, however often and wherever it is shown.
local function redeem(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line_of(keys, ARGV)
  if not s then return err end
  pass_time(keys, s, now_ms)
  local numbers = {}
  for i = 4, #ARGV, 3 do
    local block, index = ARGV[i], ARGV[i + 1]
    local alone = block .. ':' .. index
    local number = tonumber(redis.call('HGET', keys.stamps, alone) or 0)
    local first = number == 0 and redis.call('HGET', keys.stamps, block)
    if first then number = tonumber(first) + tonumber(index) end
    if number == 0 and ARGV[i + 2] == '1' then
      local heard_ms = 0
      for _, suffix in ipairs({'', ':admit'}) do
        local score = redis.call('ZSCORE', keys.workers, string.match(block, '^[^.]*') .. suffix)
        heard_ms = math.max(heard_ms, tonumber(score or 0))
      end
      if s.phase == 'closed' then number = -1
      elseif now_ms - heard_ms > UNHEARD_MS then
        s.issued = s.issued + 1
        number = s.issued
        redis.call('HSET', keys.stamps, alone, text(number))
      end
    end
    if number > s.serving then mark(keys, s, number) end
    numbers[#numbers + 1] = text(number)
  end
  save_state(keys, s)
  return numbers
end

redis.register_function('antrean_v1_reserve', reserve)
redis.register_function('antrean_v1_redeem', redeem)
