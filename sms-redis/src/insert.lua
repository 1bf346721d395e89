-- Stores new messages, each only if its id is free.
-- KEYS: the records.
-- ARGV: how many records; then four for each: record, accepted at, deadline or '', finished at
-- or ''.
-- Answers for each record: nil, or the record that has the id.
--
-- The keys of indexes and counts begin as those of records do, without the id of 16 bytes. What
-- follows the records in KEYS is not used: in a cluster, where all records of a run are of one
-- shard, it lets the server see whether all keys are in place.
local RARE = 'adghijkl'
local writes, seen, repeats = {}, {}, false
local count = tonumber(ARGV[1])
for i = 1, count do
  local key = KEYS[i]
  repeats = repeats or seen[key]
  seen[key] = true
  writes[i * 2 - 1], writes[i * 2] = key, ARGV[i * 4 - 2]
end
-- One command for all, if no id is taken, which is nearly always.
local are_new = not repeats and redis.call('MSETNX', unpack(writes)) == 1
local answers, counts, places = {}, {}, {}
local function place(set, score, member)
  local places_of_set = places[set]
  if not places_of_set then
    places_of_set = {}
    places[set] = places_of_set
  end
  local last = #places_of_set
  places_of_set[last + 1], places_of_set[last + 2] = score, member
end
for i = 1, count do
  local key, record, accepted = KEYS[i], ARGV[i * 4 - 2], ARGV[i * 4 - 1]
  local deadline, finished = ARGV[i * 4], ARGV[i * 4 + 1]
  if are_new or redis.call('SET', key, record, 'NX') then
    local base, member = string.sub(key, 1, -17), string.sub(key, -16)
    local state = string.sub(record, 10, 10)
    place(base .. ':all', accepted, member)
    if deadline ~= '' then place(base .. ':due', deadline, member) end
    if finished ~= '' then place(base .. ':done', finished, member) end
    if string.find(RARE, state, 1, true) then place(base .. ':in:' .. state, accepted, member) end
    counts[state] = (counts[state] or 0) + 1
    answers[i] = false
  else
    answers[i] = redis.call('GET', key)
  end
end
for set, places_of_set in pairs(places) do redis.call('ZADD', set, unpack(places_of_set)) end
local count_key = string.sub(KEYS[1], 1, -17) .. ':count'
-- Whoever waits for replicas must wait for what is answered here, too: see load.lua.
if not next(counts) then redis.call('HINCRBY', count_key, 'a', 0) end
for state, more in pairs(counts) do redis.call('HINCRBY', count_key, state, more) end
return answers
