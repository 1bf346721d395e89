-- Stores new messages, each only if its id is free.
-- KEYS: count, all, due, done, in:, then records.
-- ARGV, five for each record: record, state, accepted at, deadline or '', finished at or ''.
-- Answers for each record: nil, or the record that has the id.
local RARE = 'adghijkl'
local answers, counts = {}, {}
for i = 6, #KEYS do
  local at = (i - 6) * 5
  local state, accepted = ARGV[at + 2], ARGV[at + 3]
  local deadline, finished = ARGV[at + 4], ARGV[at + 5]
  if redis.call('SET', KEYS[i], ARGV[at + 1], 'NX') then
    local member = string.sub(KEYS[i], -16)
    redis.call('ZADD', KEYS[2], accepted, member)
    if deadline ~= '' then redis.call('ZADD', KEYS[3], deadline, member) end
    if finished ~= '' then redis.call('ZADD', KEYS[4], finished, member) end
    if string.find(RARE, state, 1, true) then
      redis.call('ZADD', KEYS[5] .. state, accepted, member)
    end
    counts[state] = (counts[state] or 0) + 1
    answers[i - 5] = false
  else
    answers[i - 5] = redis.call('GET', KEYS[i])
  end
end
for state, count in pairs(counts) do redis.call('HINCRBY', KEYS[1], state, count) end
return answers
