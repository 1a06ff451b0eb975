-- Applies messages to one night, in order and once, whoever calls and how often.
--
-- KEYS: head, tables, log. ARGV: channel, epoch, keep seconds, log length, then for each message:
-- version, message, count of fields, and so many pairs of field and value (null deletes the field).
-- Returns {word, version of the head}: OK, DUP (all known already), GAP (versions before the first
-- one are missing here), COLD (nothing is here) or EPOCH (what is here is of another epoch).
-- What was applied is published together, one message a line: a node hears the call once.

local channel, epoch, keep, length = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
-- A head that is no head, whoever wrote it, counts as none: it is replaced by a whole state.
local head = redis.pcall('HMGET', KEYS[1], 'epoch', 'version')
local version = not head.err and tonumber(head[2])
if not version or redis.call('TYPE', KEYS[2]).ok ~= 'hash' then
    return {'COLD', 0}
end
if head[1] ~= epoch then
    return {'EPOCH', version}
end

-- Only Redis 7 says its version, and has sharded channels (see OFFERS_SHARDS in redis_state.py). The
-- channel has the keys' hash tag, so it is of their shard.
local publish = redis.REDIS_VERSION_NUM and 'SPUBLISH' or 'PUBLISH'
local applied = {}
local function tell()
    if #applied == 0 then return end
    redis.call(publish, channel, table.concat(applied, '\n'))
    for i = 1, 3 do redis.call('EXPIRE', KEYS[i], keep) end
end
local at = 5
while at <= #ARGV do
    local this, message, fields = tonumber(ARGV[at]), ARGV[at + 1], tonumber(ARGV[at + 2])
    at = at + 3
    if this > version + 1 then
        tell()
        return {'GAP', version}
    end
    if this == version + 1 then
        local set, deleted = {}, {}
        for i = at, at + 2 * fields - 1, 2 do
            if ARGV[i + 1] == 'null' then
                deleted[#deleted + 1] = ARGV[i]
            else
                set[#set + 1] = ARGV[i]
                set[#set + 1] = ARGV[i + 1]
            end
        end
        if #set > 0 then redis.call('HSET', KEYS[2], unpack(set)) end
        if #deleted > 0 then redis.call('HDEL', KEYS[2], unpack(deleted)) end
        redis.call('HSET', KEYS[1], 'version', this)
        local id = string.format('%d-0', this)
        local added = redis.pcall('XADD', KEYS[3], 'MAXLEN', '~', length, id, 'm', message)
        if type(added) == 'table' and added.err then
            -- A longer log of other times is in the way: ids only grow. Begin a new one.
            redis.call('DEL', KEYS[3])
            redis.call('XADD', KEYS[3], id, 'm', message)
        end
        version = this
        applied[#applied + 1] = message
    end
    at = at + 2 * fields
end
tell()
return {#applied > 0 and 'OK' or 'DUP', version}
