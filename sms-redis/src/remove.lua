-- Removes messages, each only if it is final and became so before a time.
-- KEYS: the records.
-- ARGV: how many records, the time.
-- Answers for each record: 1 if it was removed, else 0.
--
-- The keys of indexes and counts begin as those of records do, without the id of 16 bytes. What
-- follows the records in KEYS is not used: in a cluster, where all records of a run are of one
-- shard, it lets the server see whether all keys are in place.
local RARE = 'adghijkl'
local FINAL = 'fghijkl'
local answers, counts, gone, drops = {}, {}, {}, {}
local before = tonumber(ARGV[2])
local function drop(set, member)
  drops[set] = drops[set] or {}
  table.insert(drops[set], member)
end
for i = 1, tonumber(ARGV[1]) do
  local key = KEYS[i]
  answers[i] = 0
  local base, member = string.sub(key, 1, -17), string.sub(key, -16)
  local finished = redis.call('ZSCORE', base .. ':done', member)
  if finished and tonumber(finished) < before and not gone[key] then
    local state = redis.call('GETRANGE', key, 9, 9)
    local is_final = state ~= '' and string.find(FINAL, state, 1, true)
    -- Somebody else may have deleted the record. Its places in the indexes would be found for ever.
    if state == '' or is_final then
      drop(base .. ':done', member)
      drop(base .. ':all', member)
    end
    if is_final then
      gone[key] = true
      redis.call('DEL', key)
      if string.find(RARE, state, 1, true) then drop(base .. ':in:' .. state, member) end
      counts[state] = (counts[state] or 0) - 1
      answers[i] = 1
    end
  end
end
for set, members in pairs(drops) do redis.call('ZREM', set, unpack(members)) end
local count_key = string.sub(KEYS[1], 1, -17) .. ':count'
for state, more in pairs(counts) do redis.call('HINCRBY', count_key, state, more) end
return answers
