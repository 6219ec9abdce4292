using LocalServers;
using TestServers;

namespace Sidecar.Redis.Tests;

/// <summary>One server for the tests that leave it running; its debug commands send every type of RESP3.</summary>
public sealed class RedisServerFixture : IAsyncLifetime
{
    public RedisServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        Server = await Servers.NewRedisAsync(new RedisServerOptions { AppendFsync = AppendFsync.Never, Arguments = ["--enable-debug-command", "local"] });

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
