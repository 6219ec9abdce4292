using System.Net;
using System.Net.Sockets;
using System.Text;
using LocalServers;
using TestServers;

namespace Sidecar.Redis.Tests;

/// <summary>What a connection that cannot be made says: where, what was tried, what to do.</summary>
public sealed class ConnectTests(RedisServerFixture fixture)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_listens()
    {
        var server = await Servers.NewRedisAsync();
        await server.DisposeAsync();
        await FailsAsync(server.Options(), $"redis at 127.0.0.1:{server.Port}: nothing listens there (connection refused); start the server, or check redisHost and redisPort");
    }

    [Fact]
    public Task The_host_is_unknown() => FailsAsync(
        new RedisOptions { Host = "no-such-host.invalid", ConnectTimeout = TimeSpan.FromSeconds(60) }, "the host name is not known; check redisHost");

    [Fact]
    public async Task Passwords_wrong_and_missing()
    {
        await using var server = await Servers.NewRedisAsync(new RedisServerOptions { Password = "right" });
        var wrong = await FailsAsync(server.Options() with { Password = "wrong-secret" }, "the password or the user is wrong (WRONGPASS");
        Assert.DoesNotContain("wrong-secret", wrong.ToString());
        await FailsAsync(server.Options() with { Password = null }, "the server wants a password (NOAUTH");
        await using var redis = await RedisClient.ConnectAsync(server.Options(), Cancel);
        Assert.Equal("PONG", (await redis.ExecuteAsync(RedisCommand.Of("PING"), Cancel)).AsString());
    }

    [Fact]
    public async Task A_user_with_its_rights()
    {
        await using var admin = await RedisClient.ConnectAsync(fixture.Server.Options(), Cancel);
        await admin.ExecuteAsync(RedisCommand.Of("ACL", "SETUSER", "reader", "on", ">secret", "+get", "+hello", "~mine:*"), Cancel);
        await using var redis = await RedisClient.ConnectAsync(fixture.Server.Options() with { Username = "reader", Password = "secret" }, Cancel);
        Assert.True((await redis.ExecuteAsync(RedisCommand.Of("GET", "mine:1"), Cancel)).IsNull);
        var refused = await Assert.ThrowsAsync<RedisServerException>(async () => await redis.ExecuteAsync(RedisCommand.Of("SET", "mine:1", "x"), Cancel));
        Assert.Equal("NOPERM", refused.Code);
    }

    [Fact]
    public Task A_database_that_the_server_has_not() =>
        FailsAsync(fixture.Server.Options() with { Database = 1000 }, "database 1000 cannot be selected (ERR DB index is out of range); set redisDB");

    [Fact]
    public async Task A_replica_is_named_when_it_refuses_a_write()
    {
        await using var replica = await Servers.NewRedisAsync();
        await using var redis = await RedisClient.ConnectAsync(replica.Options(), Cancel);
        await redis.ExecuteAsync(RedisCommand.Of("REPLICAOF", "127.0.0.1", 1), Cancel);
        var refused = await Assert.ThrowsAsync<RedisServerException>(async () => await redis.ExecuteAsync(RedisCommand.Of("SET", "key", "x"), Cancel));
        Assert.Equal("READONLY", refused.Code);
        Assert.Contains($"redis at 127.0.0.1:{replica.Port} is a replica that takes no writes; give redisHost the address of its primary", refused.Message);
    }

    [Fact]
    public async Task A_node_of_a_cluster_is_refused()
    {
        await using var server = await Servers.NewRedisAsync(new RedisServerOptions { Arguments = ["--cluster-enabled", "yes"] });
        await FailsAsync(server.Options(), "the server is a node of a Redis Cluster");
    }

    [Fact]
    public async Task Postgres_answers()
    {
        var server = await Servers.PostgresAsync();
        var options = new RedisOptions { Host = server.Host, Port = server.Port, ConnectTimeout = TimeSpan.FromSeconds(60) };
        await FailsAsync(options, "it is not a Redis server, or wants TLS", "what answers there is not Redis");
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "an HTTP server answers there, not Redis")]
    [InlineData("AMQP\0\0\u0009\u0001", "an AMQP broker answers there, not Redis")]
    [InlineData("\u0015\u0003\u0001\0\u0002\u0002\n", "the port speaks TLS; set enableTLS")]
    [InlineData("220 mail.example ESMTP\r\n", "what answers there is not Redis (it begins with '220 mail.example ESMTP..')")]
    [InlineData("+OK POP3\r\n", "HELLO was answered with OK POP3, so this is not a Redis server")]
    [InlineData("", "the server closed the connection without an answer to HELLO")]
    [InlineData("-ERR unknown command `HELLO`, with args beginning with: `3`\r\n", "its version is too old, Redis 6 or newer is needed")]
    [InlineData("-NOPROTO unsupported protocol version\r\n", "the server does not speak RESP3 (NOPROTO unsupported protocol version); Redis 6 or newer")]
    [InlineData("%1\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n", "the server is a Sentinel, which holds no data")]
    [InlineData("-ERR max number of clients reached\r\n", "HELLO was refused (ERR max number of clients reached)")]
    public async Task Something_else_answers(string answer, string expected)
    {
        await using var other = new OtherServer(Encoding.Latin1.GetBytes(answer));
        await FailsAsync(other.Options, expected);
    }

    [Fact]
    public async Task A_server_that_accepts_and_never_answers()
    {
        await using var silent = new OtherServer(null);
        await FailsAsync(
            silent.Options with { ConnectTimeout = TimeSpan.FromSeconds(10) },
            "10 s passed before HELLO was answered: the server accepts connections and does not answer");
    }

    [Fact]
    public async Task A_server_that_loads_its_data_is_waited_for_within_the_connect_timeout()
    {
        await using var loading = new OtherServer(
            "%1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"u8.ToArray(), "-LOADING Redis is loading the dataset in memory\r\n"u8.ToArray());
        await FailsAsync(
            loading.Options with { ConnectTimeout = TimeSpan.FromSeconds(10) },
            "10 s passed before it was ready: LOADING Redis is loading the dataset in memory; wait for it, or raise dialTimeout");

        await using var loaded = new OtherServer(
            "%1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"u8.ToArray(), "-LOADING Redis is loading the dataset in memory\r\n"u8.ToArray(), "+PONG\r\n"u8.ToArray());
        await using var redis = await RedisClient.ConnectAsync(loaded.Options, Cancel);
    }

    [Fact]
    public async Task Cancelling_is_not_a_failure_to_connect()
    {
        await using var silent = new OtherServer(null);
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RedisClient.ConnectAsync(silent.Options, cancel.Token));
    }

    [Fact]
    public async Task Garbage_in_the_middle_ends_the_connection()
    {
        await using var other = new OtherServer(
            "%1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n+PONG\r\n"u8.ToArray(), "*1000000000\r\n"u8.ToArray());
        await using var redis = await RedisClient.ConnectAsync(other.Options with { CommandTimeout = TimeSpan.FromSeconds(20) }, Cancel);
        var broken = await Assert.ThrowsAsync<RedisConnectionException>(async () => await redis.ExecuteAsync(RedisCommand.Of("GET", "key"), Cancel));
        Assert.True(broken.MayHaveRun);
        Assert.Contains("a length of 1000000000 where the limit is", broken.Message);
    }

    [Fact]
    public async Task Options_do_not_tell_their_secrets() =>
        Assert.Equal("redis at host:6379", $"{new RedisOptions { Host = "host", Password = await Task.FromResult("secret") }}");

    private static async Task<RedisConnectionException> FailsAsync(RedisOptions options, params string[] oneOf)
    {
        var exception = await Assert.ThrowsAsync<RedisConnectionException>(() => RedisClient.ConnectAsync(options, Cancel));
        Assert.True(oneOf.Any(text => exception.Message.Contains(text, StringComparison.Ordinal)), exception.Message);
        Assert.StartsWith($"redis at {options.Host}:{options.Port}: ", exception.Message);
        Assert.False(exception.MayHaveRun);
        return exception;
    }

    /// <summary>Answers each chunk it receives with the next of its answers, the last one again and again; ends after an only one. Null never answers.</summary>
    private sealed class OtherServer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _end = new();
        private readonly Task _run;

        public OtherServer(params byte[][]? answers)
        {
            _listener.Start();
            _run = RunAsync(answers is [null] ? null : answers);
        }

        public RedisOptions Options => new()
        {
            Host = "127.0.0.1",
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port,
            ConnectTimeout = TimeSpan.FromSeconds(60),
        };

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            // First: a listener that has ended throws when it is asked for another connection.
            await _run;
            _listener.Dispose();
            _end.Dispose();
        }

        private async Task RunAsync(byte[][]? answers)
        {
            try
            {
                while (true)
                {
                    _ = AnswerAsync(await _listener.AcceptTcpClientAsync(_end.Token), answers);
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
            }
        }

        private async Task AnswerAsync(TcpClient client, byte[][]? answers)
        {
            using (client)
            {
                var buffer = new byte[4096];
                for (var index = 0; await client.GetStream().ReadAsync(buffer, _end.Token) > 0; index++)
                {
                    if (answers is null)
                    {
                        continue;
                    }

                    await client.GetStream().WriteAsync(answers[Math.Min(index, answers.Length - 1)], _end.Token);
                    if (answers.Length == 1)
                    {
                        return;
                    }

                    if (index == 0 && answers.Length > 1 && !answers[0].AsSpan().EndsWith("+PONG\r\n"u8))
                    {
                        // HELLO and the first PING come in one write.
                        await client.GetStream().WriteAsync(answers[++index], _end.Token);
                    }
                }
            }
        }
    }
}
