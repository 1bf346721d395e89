-- Grants submissions: the generic cell rate algorithm, in microseconds.
-- KEYS: until when what was granted is paid off.
-- ARGV: microseconds from one submission to the next, with decimals; burst in microseconds; how
-- many are wanted.
-- Answers how many are granted, and for how many microseconds to wait if none.
local interval, burst, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local base = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
-- Nothing that was granted at this rate by this clock takes longer to pay off.
base = math.min(base, now + math.max(burst, interval) + 1)
local allowed = now + burst
if base > now and base + interval > allowed then
  return { 0, math.ceil(math.max(1000, math.min(base - now, base + interval - allowed))) }
end
local granted = math.min(want, math.max(1, math.floor((allowed - base) / interval)))
if granted > 0 then
  local paid_off = base + math.ceil(interval * granted)
  local keep = math.ceil((paid_off - now) / 1000) + 1000
  redis.call('SET', KEYS[1], string.format('%.0f', paid_off), 'PX', string.format('%.0f', keep))
end
return { granted, 0 }
