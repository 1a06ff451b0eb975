-- The whole of one night at one moment: {epoch, version, state as field-value list, newest log}.
--
-- KEYS: head, tables, log. ARGV: how many log entries, newest first. Empty when nothing is here.

local head = redis.pcall('HMGET', KEYS[1], 'epoch', 'version')
if head.err or not head[1] or not tonumber(head[2]) then
    return {}
end
local state = redis.call('HGETALL', KEYS[2])
local log = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', ARGV[1])
return {head[1], tonumber(head[2]), state, log}
