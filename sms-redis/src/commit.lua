-- Replaces the progress of messages, each only if its version is the one decided on.
-- KEYS: the records.
-- ARGV: how many records; then for each: its first 9 bytes (format and version) as decided on, its
-- first 10 bytes (these and the state) as they are to be, progress, deadline and finished at (''
-- if as before, '-' if none now), how many ids of providers, and the keys of these ids.
-- Answers for each record: 1, or nil if there is none, or the record as it is.
--
-- The keys of indexes and counts begin as those of records do, without the id of 16 bytes. What
-- follows the records in KEYS is not used: in a cluster, where all records of a run are of one
-- shard, it lets the server see whether all keys are in place.
local RARE = 'adghijkl'
local count = tonumber(ARGV[1])
local records = redis.call('MGET', unpack(KEYS, 1, count))
local answers, writes, written, counts, places = {}, {}, {}, {}, {}
local function write(key, value)
  local last = #writes
  writes[last + 1], writes[last + 2] = key, value
end
local function add(state, count) counts[state] = (counts[state] or 0) + count end
local function place(set, member, score)
  local places_of_set = places[set]
  if not places_of_set then
    places_of_set = {}
    places[set] = places_of_set
  end
  places_of_set[member] = score
end
local at = 2
for i = 1, count do
  local key = KEYS[i]
  -- The same message may be changed twice in one run.
  local record = written[key] or records[i]
  local leads = tonumber(ARGV[at + 5])
  if not record then
    answers[i] = false
  elseif string.sub(record, 1, 9) ~= ARGV[at] then
    answers[i] = record
  else
    local base, member = string.sub(key, 1, -17), string.sub(key, -16)
    local head, deadline, finished = ARGV[at + 1], ARGV[at + 3], ARGV[at + 4]
    local a, b, c, d = string.byte(record, 11, 14)
    local request = string.sub(record, 11, 14 + ((a * 256 + b) * 256 + c) * 256 + d)
    written[key] = head .. request .. ARGV[at + 2]
    write(key, written[key])
    if deadline ~= '' then place(base .. ':due', member, deadline ~= '-' and deadline) end
    if finished ~= '' then place(base .. ':done', member, finished ~= '-' and finished) end
    local before, state = string.sub(record, 10, 10), string.sub(head, 10)
    if state ~= before then
      add(before, -1)
      add(state, 1)
      if string.find(RARE, before, 1, true) then place(base .. ':in:' .. before, member, false) end
      if string.find(RARE, state, 1, true) then
        place(base .. ':in:' .. state, member, redis.call('ZSCORE', base .. ':all', member))
      end
    end
    for lead = at + 6, at + 5 + leads do write(ARGV[lead], member) end
    answers[i] = 1
  end
  at = at + 6 + leads
end
if #writes > 0 then redis.call('MSET', unpack(writes)) end
for set, places_of_set in pairs(places) do
  local put, drop = {}, {}
  for member, score in pairs(places_of_set) do
    if score then
      local last = #put
      put[last + 1], put[last + 2] = score, member
    else
      drop[#drop + 1] = member
    end
  end
  if #put > 0 then redis.call('ZADD', set, unpack(put)) end
  if #drop > 0 then redis.call('ZREM', set, unpack(drop)) end
end
local count_key = string.sub(KEYS[1], 1, -17) .. ':count'
-- Whoever waits for replicas must wait for what is answered here, too: see load.lua.
if #writes == 0 then redis.call('HINCRBY', count_key, 'a', 0) end
for state, more in pairs(counts) do
  if more ~= 0 then redis.call('HINCRBY', count_key, state, more) end
end
return answers
