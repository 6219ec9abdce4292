namespace Sidecar.Redis.Tests;

/// <summary>One server for the tests that leave it running.</summary>
public sealed class RedisServerFixture : IAsyncLifetime
{
    public LocalRedis Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await LocalRedis.StartAsync("--enable-debug-command", "local");

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
