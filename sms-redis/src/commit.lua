-- Replaces the progress of messages, each only if its version is the one decided on.
-- KEYS: count, all, due, done, in:, then records, then ids that providers gave, of the first
-- record, of the second …
-- ARGV: how many records; then seven for each: version decided on, new version, new state,
-- deadline or '', finished at or '', progress, how many ids of providers.
-- Answers for each record: 1, or nil if there is none, or the record as it is.
local RARE = 'adghijkl'
local FINAL = 'fghijkl'
local answers, counts = {}, {}
local function add(state, count) counts[state] = (counts[state] or 0) + count end
local last = 5 + tonumber(ARGV[1])
local lead = last
for i = 6, last do
  local at = (i - 6) * 7 + 1
  local record = redis.call('GET', KEYS[i])
  if not record then
    answers[i - 5] = false
  elseif string.byte(record, 1) ~= 1 or string.sub(record, 2, 9) ~= ARGV[at + 1] then
    answers[i - 5] = record
  else
    local before, state = string.sub(record, 10, 10), ARGV[at + 3]
    local deadline, finished = ARGV[at + 4], ARGV[at + 5]
    local a, b, c, d = string.byte(record, 11, 14)
    local request = string.sub(record, 11, 14 + ((a * 256 + b) * 256 + c) * 256 + d)
    redis.call('SET', KEYS[i],
      string.sub(record, 1, 1) .. ARGV[at + 2] .. state .. request .. ARGV[at + 6])
    local member = string.sub(KEYS[i], -16)
    if deadline ~= '' then
      redis.call('ZADD', KEYS[3], deadline, member)
    else
      redis.call('ZREM', KEYS[3], member)
    end
    if finished ~= '' then
      redis.call('ZADD', KEYS[4], finished, member)
    elseif string.find(FINAL, before, 1, true) then
      redis.call('ZREM', KEYS[4], member)
    end
    if state ~= before then
      add(before, -1)
      add(state, 1)
      if string.find(RARE, before, 1, true) then
        redis.call('ZREM', KEYS[5] .. before, member)
      end
      if string.find(RARE, state, 1, true) then
        local accepted = redis.call('ZSCORE', KEYS[2], member)
        redis.call('ZADD', KEYS[5] .. state, accepted, member)
      end
    end
    for j = 1, tonumber(ARGV[at + 7]) do redis.call('SET', KEYS[lead + j], member) end
    answers[i - 5] = 1
  end
  lead = lead + tonumber(ARGV[at + 7])
end
for state, count in pairs(counts) do
  if count ~= 0 then redis.call('HINCRBY', KEYS[1], state, count) end
end
return answers
