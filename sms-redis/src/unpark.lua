-- Forgets early reports.
-- KEYS: again, then the hash of each report. ARGV, two for each report: field, member.
for i = 2, #KEYS do
  local at = (i - 2) * 2
  redis.call('HDEL', KEYS[i], ARGV[at + 1])
  redis.call('ZREM', KEYS[1], ARGV[at + 2])
end
