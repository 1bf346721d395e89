-- Removes messages, each only if it is final and became so before a time.
-- KEYS: count, all, due, done, in:, then records. ARGV: the time.
-- Answers for each record: 1 if it was removed, else 0.
local FINAL = 'fghijkl'
local answers, before = {}, tonumber(ARGV[1])
for i = 6, #KEYS do
  answers[i - 5] = 0
  local member = string.sub(KEYS[i], -16)
  local finished = redis.call('ZSCORE', KEYS[4], member)
  if finished and tonumber(finished) < before then
    local state = redis.call('GETRANGE', KEYS[i], 9, 9)
    if state == '' then
      -- Somebody else deleted the record. Its places in the indexes would be found for ever.
      redis.call('ZREM', KEYS[4], member)
      redis.call('ZREM', KEYS[2], member)
    elseif string.find(FINAL, state, 1, true) then
      redis.call('DEL', KEYS[i])
      redis.call('ZREM', KEYS[4], member)
      redis.call('ZREM', KEYS[2], member)
      redis.call('ZREM', KEYS[5] .. state, member)
      redis.call('HINCRBY', KEYS[1], state, -1)
      answers[i - 5] = 1
    end
  end
end
return answers
