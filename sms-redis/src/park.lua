-- Keeps early reports; one that repeats another takes its place.
-- KEYS: again, parked, then the hash of each report.
-- ARGV, four for each report: what it says (its field), report, look again at, member.
for i = 3, #KEYS do
  local at = (i - 3) * 4
  local order = string.format('%015d', redis.call('INCR', KEYS[2]))
  redis.call('HSET', KEYS[i], ARGV[at + 1], order .. ARGV[at + 2])
  redis.call('ZADD', KEYS[1], ARGV[at + 3], ARGV[at + 4])
end
