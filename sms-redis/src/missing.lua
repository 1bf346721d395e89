-- Takes messages out of the indexes that have no record: somebody else deleted it, and they would
-- be found for ever.
-- KEYS: the records. ARGV: how many records.
-- Answers for each: 1 if there is a record, else 0.
--
-- What follows the records in KEYS is not used: see insert.lua.
local RARE = 'adghijkl'
local answers = {}
for i = 1, tonumber(ARGV[1]) do
  local key = KEYS[i]
  answers[i] = redis.call('EXISTS', key)
  if answers[i] == 0 then
    local base, member = string.sub(key, 1, -17), string.sub(key, -16)
    for _, index in ipairs({ ':all', ':due', ':done' }) do
      redis.call('ZREM', base .. index, member)
    end
    for state in string.gmatch(RARE, '.') do
      redis.call('ZREM', base .. ':in:' .. state, member)
    end
  end
end
return answers
