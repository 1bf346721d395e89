-- Reads records, and writes something that changes nothing: what is read here is on the replicas
-- once they have that. WAIT alone would ask about the connection's own last write (from Redis 7.2
-- on), and what is read may come from another connection.
-- KEYS: the records. ARGV: how many records.
-- Answers the records, nil where there is none.
--
-- What follows the records in KEYS is not used: see insert.lua.
redis.call('HINCRBY', string.sub(KEYS[1], 1, -17) .. ':count', 'a', 0)
return redis.call('MGET', unpack(KEYS, 1, tonumber(ARGV[1])))
