using Sidecar.Redis;

namespace Sidecar.Components.Redis.PubSub;

/// <summary>
/// Changes of a group that need several commands and must not be interleaved with those of other consumers. The key is the stream.
/// Whether a message is still one's own is asked and used within one script: its consumer may have been frozen and others may have it.
/// </summary>
internal static class StreamScripts
{
    /// <summary>
    /// Arguments: group, consumer, least idle time, count. Claims what is idle for so long; an entry that the stream has lost is
    /// acknowledged. Returns <c>[[[id, fields, deliveries], …], [id that was lost, …]]</c>.
    /// </summary>
    public static readonly RedisScript Claim = new("""
        local claimed, lost = {}, {}
        for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', ARGV[4])) do
          local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, pending[1])[1]
          if entry then
            claimed[#claimed + 1] = {entry[1], entry[2], pending[4] + 1}
          else
            redis.call('XACK', KEYS[1], ARGV[1], pending[1])
            lost[#lost + 1] = pending[1]
          end
        end
        return {claimed, lost}
        """);

    /// <summary>
    /// Arguments: group, consumer, its successor, idle time, deliveries not to count, channel or nothing, ids. Gives what the consumer
    /// still has to the successor, and tells the channel. Returns the ids that are not the consumer's.
    /// </summary>
    public static readonly RedisScript Give = new("""
        local others = {}
        for i = 7, #ARGV do
          local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])[1]
          if pending then
            redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[i],
              'IDLE', ARGV[4], 'RETRYCOUNT', math.max(0, pending[4] - ARGV[5]), 'JUSTID')
          else
            others[#others + 1] = ARGV[i]
          end
        end
        if ARGV[6] ~= '' then
          redis.pcall('PUBLISH', ARGV[6], '')
        end
        return others
        """);

    /// <summary>
    /// Arguments: group, consumer, its successor, idle time, channel. Gives all that the consumer has to the successor, uncounted, and
    /// removes the consumer.
    /// </summary>
    public static readonly RedisScript Leave = new("""
        local given = false
        while true do
          local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 100, ARGV[2])
          if #pending == 0 then
            break
          end
          given = true
          for _, message in ipairs(pending) do
            redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, message[1],
              'IDLE', ARGV[4], 'RETRYCOUNT', math.max(0, message[4] - 1), 'JUSTID')
          end
        end
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
        if given then
          redis.pcall('PUBLISH', ARGV[5], '')
        end
        """);

    /// <summary>
    /// Arguments: group, prefix of consumers, prefix of those of ephemeral groups, idle time. Removes what processes that were killed
    /// have left: consumers of the group that hold nothing, and ephemeral groups of the stream that have fallen behind.
    /// </summary>
    public static readonly RedisScript Clean = new("""
        local function map(list)
          local fields = {}
          for i = 1, #list, 2 do
            fields[list[i]] = list[i + 1]
          end
          return fields
        end
        local function begins(text, prefix)
          return string.sub(text, 1, #prefix) == prefix
        end
        local newest = map(redis.call('XINFO', 'STREAM', KEYS[1]))['last-generated-id']
        for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
          local group = map(info)
          local consumers = redis.call('XINFO', 'CONSUMERS', KEYS[1], group.name)
          local dead = 0
          for _, entry in ipairs(consumers) do
            local consumer = map(entry)
            if consumer.idle > tonumber(ARGV[4]) then
              if begins(consumer.name, ARGV[3]) then
                dead = dead + 1
              elseif group.name == ARGV[1] and consumer.pending == 0 and begins(consumer.name, ARGV[2]) then
                redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group.name, consumer.name)
              end
            end
          end
          if dead > 0 and dead == #consumers and group['last-delivered-id'] ~= newest then
            redis.call('XGROUP', 'DESTROY', KEYS[1], group.name)
          end
        end
        """);
}
