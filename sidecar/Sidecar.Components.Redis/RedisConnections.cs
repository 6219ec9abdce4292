using Sidecar.Redis;

namespace Sidecar.Components.Redis;

/// <summary>The open connections of the process: one per server, user and database, opened with the first component that needs it, closed with the last.</summary>
internal static class RedisConnections
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<RedisOptions, Shared> Open = [];

    /// <summary>A share in the connection; opens it when there is none.</summary>
    public static async Task<RedisLease> AcquireAsync(RedisOptions options, CancellationToken cancellationToken)
    {
        Shared? shared;
        lock (Gate)
        {
            if (!Open.TryGetValue(options, out shared))
            {
                shared = new Shared(options);
                Open.Add(options, shared);
            }

            shared.Leases++;
        }

        try
        {
            return new RedisLease(shared, await shared.ConnectAsync(cancellationToken));
        }
        catch
        {
            await ReleaseAsync(shared);
            throw;
        }
    }

    internal static ValueTask ReleaseAsync(Shared shared)
    {
        lock (Gate)
        {
            if (--shared.Leases > 0)
            {
                return ValueTask.CompletedTask;
            }

            Open.Remove(shared.Options);
        }

        return shared.DisposeAsync();
    }

    internal sealed class Shared(RedisOptions options) : IAsyncDisposable
    {
        // One server that does not answer keeps nobody from another.
        private readonly SemaphoreSlim _gate = new(1);
        private RedisClient? _client;

        public RedisOptions Options { get; } = options;

        public int Leases { get; set; }

        public async Task<RedisClient> ConnectAsync(CancellationToken cancellationToken)
        {
            await _gate.WaitAsync(cancellationToken);
            try
            {
                return _client ??= await RedisClient.ConnectAsync(Options, cancellationToken);
            }
            finally
            {
                _gate.Release();
            }
        }

        public ValueTask DisposeAsync() => _client?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}

/// <summary>A component's share in an open connection.</summary>
internal sealed class RedisLease : IAsyncDisposable
{
    private readonly RedisConnections.Shared _shared;
    private int _released;

    internal RedisLease(RedisConnections.Shared shared, RedisClient client) => (_shared, Client) = (shared, client);

    public RedisClient Client { get; }

    public ValueTask DisposeAsync() =>
        Interlocked.Exchange(ref _released, 1) == 0 ? RedisConnections.ReleaseAsync(_shared) : ValueTask.CompletedTask;
}
