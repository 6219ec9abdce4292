using Sidecar.Redis;

namespace Sidecar.Components.Redis.State;

/// <summary>
/// The scripts of <c>state.redis</c>. A value is a hash: <c>data</c>, <c>version</c> (its decimal form is the etag) and, when it was created
/// with first-write, <c>first-write</c> (dapr/config §9.1).
/// </summary>
internal static class StateScripts
{
    /// <summary>Arguments of one write.</summary>
    public const int ArgumentsPerWrite = 5;

    /// <summary>Value, version and end of each key: the end in milliseconds since 1970, -1 when there is none. Nil for an absent key.</summary>
    public static readonly RedisScript Read = new(
        """
        local rows = {}
        for index, key in ipairs(KEYS) do
          local fields = redis.pcall('HMGET', key, 'data', 'version')
          if fields.err then
            fields = { redis.pcall('GET', key), '' }
          end
          rows[index] = false
          if fields[1] or fields[2] or redis.call('EXISTS', key) == 1 then
            local ends = redis.call('PTTL', key)
            if ends >= 0 then
              local now = redis.call('TIME')
              ends = now[1] * 1000 + math.floor(now[2] / 1000) + ends
            end
            rows[index] = { fields[1], fields[2], ends }
          end
        end
        return rows
        """);

    /// <summary>
    /// All writes or none. Arguments of each: <c>set</c>, <c>first</c> (set, marked as created with first-write) or <c>del</c>; its condition
    /// <c>any</c>, <c>absent</c> or <c>etag</c>; the etag; the value; the time to live in milliseconds, or nothing. The answer is 0, or the number
    /// of the write whose condition does not hold, negative when that is the mark of first-write.
    /// </summary>
    public static readonly RedisScript Write = new(
        """
        local now = redis.call('TIME')
        local born = string.format('%d%06d', now[1], now[2])
        local found = {}

        -- What a key holds when it is no value of a state store is replaced as a whole.
        local function look(key)
          local fields = redis.pcall('HMGET', key, 'version', 'first-write')
          if fields.err then
            return { version = 'foreign', foreign = true }
          end
          local version = fields[1]
          if version and not string.match(version, '^%d+$') or version and #version > 18 then
            return { version = 'foreign', foreign = true }
          end
          return { version = version, marked = fields[2] and true or false }
        end

        for index, key in ipairs(KEYS) do
          local at = (index - 1) * 5
          local operation, condition = ARGV[at + 1], ARGV[at + 2]
          local entry = found[key]
          if not entry then
            entry = look(key)
            entry.before = entry.version
            entry.wasForeign = entry.foreign
            found[key] = entry
          end
          if condition == 'etag' and entry.version ~= ARGV[at + 3] or condition == 'absent' and entry.version then
            return index
          end
          if condition == 'any' and operation ~= 'del' and entry.marked then
            return -index
          end
          -- Nobody knows the etag of a value that is not there yet.
          entry.version = operation ~= 'del' and 'new'
          entry.marked = operation == 'first' or (operation == 'set' and entry.marked)
        end

        for index, key in ipairs(KEYS) do
          local at = (index - 1) * 5
          local operation, ttl = ARGV[at + 1], ARGV[at + 5]
          local entry = found[key]
          if operation == 'del' then
            redis.call('DEL', key)
          else
            if entry.wasForeign then
              redis.call('DEL', key)
              entry.wasForeign = false
            end
            if redis.call('HEXISTS', key, 'version') == 0 then
              redis.call('HSET', key, 'version', born, 'data', ARGV[at + 4])
            else
              redis.call('HSET', key, 'data', ARGV[at + 4])
              redis.call('HINCRBY', key, 'version', 1)
            end
            if operation == 'first' then
              redis.call('HSET', key, 'first-write', 0)
            end
            if ttl == '' then
              redis.call('PERSIST', key)
            else
              redis.call('PEXPIRE', key, ttl)
            end
          end
        end
        return 0
        """);
}
