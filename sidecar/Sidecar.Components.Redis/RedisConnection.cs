using Sidecar.Redis;

namespace Sidecar.Components.Redis;

/// <summary>A connection of the process to one server as one user, opened by the first component that needs it.</summary>
internal sealed class RedisConnection(RedisOptions options) : IAsyncDisposable
{
    // One server that does not answer keeps nobody from another.
    private readonly SemaphoreSlim _gate = new(1);
    private RedisClient? _client;

    public async Task<RedisClient> ConnectAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return _client ??= await RedisClient.ConnectAsync(options, cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    public ValueTask DisposeAsync() => _client?.DisposeAsync() ?? ValueTask.CompletedTask;
}
