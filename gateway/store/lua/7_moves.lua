-- move: a visitor takes the place along to another device. Each move gives the place to the next device (0 is the one
-- that joined), and with that makes the tickets of all earlier ones worthless.
-- ARGV  3 instance   4.. position, number, device that the code was made on, claim (random, of the device that takes
--       it), for each
-- Returns  the new device for each; 0 when another claim was first, -1 when the place may have been let in already,
-- -2 when it has ended.
-- Keeps true: one code is good for one claim, however often that asks; who may hold a pass is not moved, so that no
-- place ever has two.
local function move(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, ARGV[2], ARGV[3])
  if not s then return err end
  pass_time(keys, s, now_ms)
  local answers = {}
  for i = 4, #ARGV, 4 do
    local position, number, device, claim = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), ARGV[i + 3]
    local current, holder = string.match(redis.call('HGET', keys.moves, number) or '0 ', '^(%d+) (.*)$')
    current = tonumber(current)
    local answer
    if number > s.issued or redis.call('GETBIT', keys.withdrawn, number) == 1 then answer = -2
    elseif current == device + 1 and holder == claim then answer = current
    elseif current > device then answer = 0
    -- Whoever was let in is behind the cursor and has no first offer any more. Which of those behind were never let
    -- in is known only where nothing was lost.
    elseif position <= s.serving and not redis.call('ZSCORE', keys.offers, position)
      and (s.generation > 1 or redis.call('GETBIT', keys.let_in, number) == 1) then answer = -1
    else
      answer = device + 1
      redis.call('HSET', keys.moves, number, text(answer) .. ' ' .. claim)
      mark(keys, s, position)
    end
    answers[#answers + 1] = text(answer)
  end
  save_state(keys, s)
  return answers
end

redis.register_function('antrean_v1_move', move)
