-- Replaces a night's state by a whole one, if what is here is older or nothing.
--
-- KEYS: head, tables, log. ARGV: epoch, version, keep seconds, force ("1": also over another epoch
-- or a newer version), then pairs of field and value.
-- Returns {word, version of the head}: OK, DUP (as new or newer) or EPOCH (another one is here).

local epoch, version, keep, force = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4] == '1'
local head = redis.pcall('HMGET', KEYS[1], 'epoch', 'version')
local known = not head.err and tonumber(head[2])
local whole = redis.call('TYPE', KEYS[2]).ok == 'hash'
if known and whole and not force then
    if head[1] ~= epoch then
        return {'EPOCH', known}
    end
    if known >= version then
        return {'DUP', known}
    end
end
-- The log would have a hole, so it begins anew; readers that need more fold the book.
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
for at = 5, #ARGV, 2 do
    redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
end
redis.call('HSET', KEYS[1], 'epoch', epoch, 'version', version)
redis.call('EXPIRE', KEYS[1], keep)
redis.call('EXPIRE', KEYS[2], keep)
return {'OK', version}
