using System.Net;
using System.Net.Sockets;
using System.Text;
using LocalServers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Abstractions;
using Sidecar.Runtime.App;
using Sidecar.Runtime.Loading;
using TestServers;

namespace Sidecar.Components.Redis.Tests;

/// <summary>What the operator reads when a component cannot start: which component, which server, what to do.</summary>
public sealed class BadServerTests
{
    private static readonly string[] Types = ["state.redis", "lock.redis", "configuration.redis", "bindings.redis"];

    /// <summary>Of a connection, unless a test says otherwise.</summary>
    private static readonly (string Name, string Value)[] Patience = [("dialTimeout", "60s"), ("readTimeout", "30s")];

    public static TheoryData<string> AllTypes => [.. Types];

    [Theory]
    [MemberData(nameof(AllTypes))]
    public async Task A_wrong_password_is_final(string type)
    {
        await using var run = await RedisRun.StartAsync(new RedisServerOptions { Password = "right" });

        var problem = await ProblemAsync(type, "60s", ("redisHost", run.Server.Address), ("redisPassword", "wrong-secret"));

        Assert.StartsWith($"component 'component' ({type}, c.yaml): redis at {run.Server.Address}: ", problem, StringComparison.Ordinal);
        Assert.Contains("check redisUsername and redisPassword", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-secret", problem, StringComparison.Ordinal);
        Assert.Contains("set redisPassword", await ProblemAsync(type, "60s", ("redisHost", run.Server.Address)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_without_a_server_is_tried_until_the_init_timeout()
    {
        var port = FreePort();

        var problem = await ProblemAsync("state.redis", "10s", ("redisHost", $"127.0.0.1:{port}"));

        Assert.StartsWith(
            $"component 'component' (state.redis, c.yaml): redis at 127.0.0.1:{port}: nothing listens there (connection refused); start the server, or check redisHost and redisPort",
            problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_comes_up_within_the_init_timeout_is_used()
    {
        await using var run = await RedisRun.StartAsync();
        await run.Server.StopAsync();
        await using var components = new ComponentSet();
        var start = InitAsync(components, "state.redis", "60s", ignoreErrors: false, ("redisHost", run.Server.Address));

        await run.Server.StartAsync(TestContext.Current.CancellationToken);

        await start.WaitAsync(Wait.Limit);
        Assert.Null(await components.Find<IStateStore>("component")!.GetAsync("key", default));
    }

    [Theory]
    [InlineData("30s", "10s")]
    [InlineData("200ms", "5s")]
    public async Task A_server_that_accepts_and_never_answers_is_named(string initTimeout, string dialTimeout)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();

        var problem = await ProblemAsync("state.redis", initTimeout, ("redisHost", $"{silent.LocalEndpoint}"), ("dialTimeout", dialTimeout));

        Assert.StartsWith($"component 'component' (state.redis, c.yaml): redis at {silent.LocalEndpoint}", problem, StringComparison.Ordinal);
        Assert.Contains("is it stopped or overloaded, or no Redis?", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n", "its version is too old, Redis 6 or newer is needed")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n", "not Redis")]
    public async Task A_server_of_another_kind_is_named(string answer, string advice)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var serving = ServeAsync(other, answer);

        var problem = await ProblemAsync("state.redis", "60s", ("redisHost", $"{other.LocalEndpoint}"));

        Assert.Contains($"redis at {other.LocalEndpoint}: ", problem, StringComparison.Ordinal);
        Assert.Contains(advice, problem, StringComparison.Ordinal);
        await serving;
    }

    [Fact]
    public async Task A_server_with_TLS_needs_enableTLS_and_a_certificate_that_is_trusted()
    {
        await using var server = await Servers.NewRedisAsync(new RedisServerOptions { Tls = true, Password = "right" });
        (string, string)[] metadata = [("redisHost", server.Address), ("redisPassword", "right")];
        Assert.Contains("enableTLS", await ProblemAsync("state.redis", "60s", metadata), StringComparison.Ordinal);
        Assert.Contains("certificate", await ProblemAsync("state.redis", "60s", [.. metadata, ("enableTLS", "true")]), StringComparison.Ordinal);

        await using var components = new ComponentSet();
        await InitAsync(components, "state.redis", "60s", ignoreErrors: false, [.. metadata, ("enableTLS", "true"), ("insecureSkipTLSVerify", "true")]);
        Assert.Null(await components.Find<IStateStore>("component")!.GetAsync("key", default));
    }

    [Fact]
    public async Task A_database_that_the_server_has_not_is_named()
    {
        await using var run = await RedisRun.StartAsync();

        Assert.Contains("redisDB", await ProblemAsync("state.redis", "60s", ("redisHost", run.Server.Address), ("redisDB", "99")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_default_time_to_live_that_is_no_number_is_refused()
    {
        await using var run = await RedisRun.StartAsync();

        Assert.EndsWith(
            "metadata 'ttlInSeconds' is not an integer: 'soon'", await ProblemAsync("state.redis", "60s", ("redisHost", run.Server.Address), ("ttlInSeconds", "soon")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_ignoreErrors_the_app_starts_without_the_component()
    {
        await using var components = new ComponentSet();

        await InitAsync(components, "state.redis", "100ms", ignoreErrors: true, ("redisHost", $"127.0.0.1:{FreePort()}"));

        Assert.Null(components.Find<IStateStore>("component"));
    }

    [Theory]
    [InlineData("redisHost", "", "metadata 'redisHost' is required")]
    [InlineData("redisHost", "a:1,b:2", "names several servers")]
    [InlineData("redisHost", "a:port", "'port' is not a port")]
    [InlineData("redisPort", "70000", "'70000' is not a port")]
    [InlineData("redisType", "cluster", "metadata 'redisType'")]
    [InlineData("failover", "true", "metadata 'failover' is not supported")]
    [InlineData("sentinelMasterName", "main", "metadata 'sentinelMasterName' is not supported")]
    [InlineData("useEntraID", "true", "metadata 'useEntraID' is not supported")]
    [InlineData("useOIDC", "true", "metadata 'useOIDC' is not supported")]
    [InlineData("redisDB", "-1", "metadata 'redisDB'")]
    [InlineData("enableTLS", "perhaps", "metadata 'enableTLS'")]
    [InlineData("dialTimeout", "soon", "metadata 'dialTimeout'")]
    public async Task Metadata_that_cannot_be_kept_is_refused(string name, string value, string problem)
    {
        (string, string)[] metadata = name == "redisHost" ? [(name, value)] : [("redisHost", "127.0.0.1"), (name, value)];

        Assert.Contains(problem, await ProblemAsync("state.redis", "60s", metadata), StringComparison.Ordinal);
    }

    private static async Task<string> ProblemAsync(string type, string initTimeout, params (string Name, string Value)[] metadata)
    {
        await using var components = new ComponentSet();
        return (await Assert.ThrowsAsync<ComponentException>(() => InitAsync(components, type, initTimeout, ignoreErrors: false, metadata).WaitAsync(Wait.Limit))).Message;
    }

    private static Task InitAsync(ComponentSet components, string type, string initTimeout, bool ignoreErrors, params (string Name, string Value)[] metadata)
    {
        Assert.True(GoDuration.TryParse(initTimeout, out var timeout));
        var manifest = new ComponentManifest
        {
            Name = "component",
            Type = type,
            Version = "v1",
            Metadata = [.. Patience.Concat(metadata).Select(entry => new MetadataEntry(entry.Name, entry.Value, null, null, null))],
            Scopes = [],
            InitTimeout = timeout,
            IgnoreErrors = ignoreErrors,
            SecretStore = null,
            Source = "c.yaml",
        };
        var folder = Path.GetTempPath();
        var instance = new SidecarInstance { AppId = "app", HttpPort = 0, GrpcPort = 0, ResourcesPaths = [] };
        return components.InitAsync(
            [manifest], instance, new SidecarRun { DataDirectory = folder, BaseDirectory = folder, Instances = [instance] }, new ComponentRegistry().AddRedis(),
            new ServiceCollection().BuildServiceProvider(), NullLogger.Instance, check: false, TestContext.Current.CancellationToken);
    }

    private static async Task ServeAsync(TcpListener listener, string answer)
    {
        using var client = await listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        await stream.ReadAtLeastAsync(new byte[1], 1);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
        // Until the other side has had enough.
        await stream.ReadAsync(new byte[1000]).AsTask().ContinueWith(_ => { }, TaskScheduler.Default);
    }

    private static int FreePort() => LocalServers.FreePort.Next();
}
