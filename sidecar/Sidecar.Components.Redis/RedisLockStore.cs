using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis;

/// <summary>
/// <c>lock.redis</c> (dapr/config §12): the owner's name under the key of the lock, with its expiry. A server with replicas is refused, as Dapr
/// does: after a fail-over one that lacks the newest lock would give it out again.
/// </summary>
internal sealed class RedisLockStore(ComponentContext context) : RedisComponent(context), ILockStore
{
    /// <summary>Answers with the number of an <see cref="UnlockStatus"/>.</summary>
    private static readonly RedisScript Release = new(
        """
        local holder = redis.call('GET', KEYS[1])
        if not holder then
          return 1
        end
        if holder ~= ARGV[1] then
          return 2
        end
        redis.call('DEL', KEYS[1])
        return 0
        """);

    public async ValueTask<bool> TryLockAsync(string resourceId, string owner, TimeSpan expiry, CancellationToken cancellationToken)
    {
        var milliseconds = Math.Max(1, (long)Math.Ceiling(expiry.TotalMilliseconds));
        return !(await ExecuteAsync(RedisCommand.Of("SET", resourceId, owner, "NX", "PX", milliseconds), cancellationToken)).IsNull;
    }

    public async ValueTask<UnlockStatus> UnlockAsync(string resourceId, string owner, CancellationToken cancellationToken) =>
        (UnlockStatus)(await EvaluateAsync(Release, [resourceId], [owner], cancellationToken)).AsInt64();

    protected override async Task StartAsync(CancellationToken cancellationToken)
    {
        var lines = (await ExecuteAsync(RedisCommand.Of("INFO", "replication"), cancellationToken)).AsString()!.Split("\r\n");
        if (lines.Contains("role:slave") || lines.Any(line => line.StartsWith("connected_slaves:", StringComparison.Ordinal) && line != "connected_slaves:0"))
        {
            throw new ComponentException(
                $"{Options} is replicated: after a fail-over a lock could be held twice; name a server without replicas in 'redisHost'");
        }
    }
}
