-- Lets a provider's id expire, or keeps it after all, if it leads to this message.
-- KEYS: the provider's id. ARGV: message, seconds to keep it or 0 for ever.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  if ARGV[2] == '0' then
    redis.call('PERSIST', KEYS[1])
  else
    redis.call('EXPIRE', KEYS[1], ARGV[2])
  end
end
