using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using LocalServers;
using TestServers;

namespace Sidecar.Redis.Tests;

/// <summary>What callers see when the server dies, hangs or drops them.</summary>
public sealed class FaultTests : IAsyncLifetime
{
    private RedisServer _server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await Servers.NewRedisAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Every_acknowledged_increment_survives_a_kill_and_none_is_sent_twice()
    {
        const int callers = 32, calls = 10_000;
        await using var redis = await RedisClient.ConnectAsync(_server.Options() with { CommandTimeout = TimeSpan.FromSeconds(20) }, Cancel);
        var (started, acknowledged, unsure) = (0, 0, 0);
        var values = new ConcurrentBag<long>();
        var load = Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref started) <= calls)
            {
                try
                {
                    values.Add((await redis.ExecuteAsync(RedisCommand.Of("INCR", "counter"), Cancel)).AsInt64());
                    Interlocked.Increment(ref acknowledged);
                }
                catch (RedisConnectionException exception)
                {
                    Assert.True(exception.MayHaveRun, exception.Message);
                    Interlocked.Increment(ref unsure);
                }
            }
        })));
        foreach (var (crashes, moment) in new[] { 2_000, 5_000, 8_000 }.Index())
        {
            await Wait.UntilAsync(() => Volatile.Read(ref started) > moment);
            await _server.CrashAsync(Cancel);
            // The next crash breaks a connection of its own.
            await Wait.UntilAsync(() => redis.Generation == crashes + 2);
        }

        await load;
        var counter = (await redis.ExecuteAsync(RedisCommand.Of("GET", "counter"), Cancel)).AsInt64();
        Assert.Equal(calls, acknowledged + unsure);
        Assert.InRange(counter, acknowledged, acknowledged + unsure);
        Assert.Equal(acknowledged, values.Distinct().Count());
        Assert.InRange(unsure, 0, 3 * callers);
        Assert.Equal(4, redis.Generation);
    }

    [Fact]
    public async Task A_command_waits_for_the_server_to_come_back()
    {
        await using var redis = await RedisClient.ConnectAsync(_server.Options() with { CommandTimeout = TimeSpan.FromSeconds(20) }, Cancel);
        await _server.KillAsync();
        await Wait.UntilAsync(() => !redis.IsConnected);
        var call = redis.ExecuteAsync(RedisCommand.Of("INCR", "counter"), Cancel).AsTask();
        var pipeline = redis.ExecuteManyAsync([RedisCommand.Of("INCR", "counter"), RedisCommand.Of("INCR", "counter")], Cancel).AsTask();
        await _server.StartAsync(Cancel);
        Assert.Equal(1, (await call).AsInt64());
        Assert.Equal([2, 3], (await pipeline).Select(reply => reply.AsInt64()));
    }

    [Fact]
    public async Task A_command_that_finds_no_server_fails_in_time_and_is_not_sent_later()
    {
        await using var redis = await RedisClient.ConnectAsync(_server.Options() with { CommandTimeout = TimeSpan.FromMilliseconds(300) }, Cancel);
        await _server.KillAsync();
        await Wait.UntilAsync(() => redis.LastError?.Message.Contains("connection refused", StringComparison.Ordinal) == true);
        using var cancel = new CancellationTokenSource();
        var cancelled = redis.ExecuteAsync(RedisCommand.Of("INCR", "counter"), cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        var failed = await Assert.ThrowsAsync<RedisConnectionException>(async () => await redis.ExecuteAsync(RedisCommand.Of("INCR", "counter"), Cancel));
        Assert.False(failed.MayHaveRun);
        Assert.Contains("INCR was not sent in time: there is no connection", failed.Message);
        Assert.Contains("connection refused", failed.Message);

        await _server.StartAsync(Cancel);
        // What is sent late would be before this one.
        await Wait.UntilAsync(() => SucceedsAsync(redis, RedisCommand.Of("PING")));
        await using var patient = await RedisClient.ConnectAsync(_server.Options(), Cancel);
        Assert.True((await patient.ExecuteAsync(RedisCommand.Of("GET", "counter"), Cancel)).IsNull);
    }

    [Fact]
    public async Task A_connection_on_which_a_reply_is_overdue_is_replaced()
    {
        await using var redis = await RedisClient.ConnectAsync(
            _server.Options() with { CommandTimeout = TimeSpan.FromSeconds(5), ConnectTimeout = TimeSpan.FromSeconds(5) }, Cancel);
        var lost = new TaskCompletionSource<Exception>();
        redis.Disconnected += reason => lost.TrySetResult(reason);
        await _server.PauseAsync();
        try
        {
            var unanswered = await Assert.ThrowsAsync<RedisConnectionException>(async () => await redis.ExecuteAsync(RedisCommand.Of("INCR", "counter"), Cancel));
            Assert.True(unanswered.MayHaveRun);
            Assert.Contains("INCR was not answered in time", (await lost.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel)).Message);

            // Frozen, the server still accepts: the kernel does.
            var unsent = await Assert.ThrowsAsync<RedisConnectionException>(async () => await redis.ExecuteAsync(RedisCommand.Of("INCR", "counter"), Cancel));
            Assert.False(unsent.MayHaveRun);
            await Wait.UntilAsync(() => redis.LastError!.Message.Contains("accepts connections and does not answer", StringComparison.Ordinal));
        }
        finally
        {
            _server.Resume();
        }

        await Wait.UntilAsync(() => redis.IsConnected);
        Assert.InRange((await redis.ExecuteAsync(RedisCommand.Of("INCR", "counter"), Cancel)).AsInt64(), 1, 2);
    }

    [Fact]
    public async Task A_server_that_is_slow_but_answers_keeps_its_connection()
    {
        const int calls = 5;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var server = Task.Run(async () =>
        {
            using var client = await listener.AcceptTcpClientAsync(Cancel);
            var stream = client.GetStream();
            var buffer = new byte[4096];
            await stream.ReadAtLeastAsync(buffer, 1, cancellationToken: Cancel);
            await stream.WriteAsync("%1\r\n+mode\r\n+standalone\r\n+PONG\r\n"u8.ToArray(), Cancel);
            // No answer before it is asked.
            await stream.ReadAtLeastAsync(buffer, 1, cancellationToken: Cancel);
            for (var reply = 0; reply < calls; reply++)
            {
                await Task.Delay(1500, Cancel);
                await stream.WriteAsync("+slow\r\n"u8.ToArray(), Cancel);
            }

            while (await stream.ReadAsync(buffer, Cancel) is > 0 and var count)
            {
                for (var asked = buffer.AsSpan(0, count).Count("LAST"u8); asked > 0; asked--)
                {
                    await stream.WriteAsync("+last\r\n"u8.ToArray(), Cancel);
                }
            }
        });
        var options = new RedisOptions { Host = "127.0.0.1", Port = ((IPEndPoint)listener.LocalEndpoint).Port, CommandTimeout = TimeSpan.FromSeconds(5) };
        await using (var redis = await RedisClient.ConnectAsync(options, Cancel))
        {
            var outcomes = await Task.WhenAll(Enumerable.Range(0, calls).Select(async _ =>
            {
                try
                {
                    return (await redis.ExecuteAsync(RedisCommand.Of("SLOW"), Cancel)).AsString();
                }
                catch (RedisConnectionException exception)
                {
                    return exception.MayHaveRun ? "unsure" : exception.Message;
                }
            }));
            Assert.Equal(["slow", "unsure"], outcomes.Distinct().Order());
            string? last = null;
            await Wait.UntilAsync(async () =>
            {
                try
                {
                    last = (await redis.ExecuteAsync(RedisCommand.Of("LAST"), Cancel)).AsString();
                    return true;
                }
                catch (RedisConnectionException)
                {
                    return false;
                }
            });
            Assert.Equal("last", last);
            Assert.Equal(1, redis.Generation);
        }

        // It ends with the connection, in order or reset.
        await Task.WhenAny(server);
    }

    [Fact]
    public async Task A_silent_connection_is_asked_and_replaced()
    {
        await using var redis = await RedisClient.ConnectAsync(
            _server.Options() with { CommandTimeout = TimeSpan.FromMilliseconds(300), KeepAlive = TimeSpan.FromMilliseconds(200) }, Cancel);
        var lost = new TaskCompletionSource<Exception>();
        redis.Disconnected += reason => lost.TrySetResult(reason);
        await _server.PauseAsync();
        Assert.Contains("PING was not answered", (await lost.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel)).Message);
        _server.Resume();
        await Wait.UntilAsync(() => redis.IsConnected);
    }

    [Fact]
    public async Task A_blocking_command_outlasts_the_command_timeout_and_dies_with_its_connection()
    {
        await using var redis = await RedisClient.ConnectAsync(_server.Options() with { CommandTimeout = TimeSpan.FromSeconds(5) }, Cancel);
        await using var dedicated = await redis.OpenDedicatedAsync(Cancel);
        var none = await dedicated.ExecuteBlockingAsync(RedisCommand.Of("BLPOP", "list", 6), TimeSpan.FromSeconds(6), Cancel);
        Assert.True(none.IsNull);
        Assert.Equal(1, dedicated.Generation);

        await using var admin = await RedisClient.ConnectAsync(_server.Options(), Cancel);
        var blocked = dedicated.ExecuteBlockingAsync(RedisCommand.Of("BLPOP", "list", 30), TimeSpan.FromSeconds(30), Cancel).AsTask();
        await Wait.UntilAsync(async () => (await ClientsAsync(admin)).Contains("cmd=blpop", StringComparison.Ordinal));
        await _server.KillAsync();
        Assert.True((await Assert.ThrowsAsync<RedisConnectionException>(() => blocked)).MayHaveRun);
    }

    [Fact]
    public async Task A_connection_cut_by_the_server_is_restored_with_its_state()
    {
        await using var admin = await RedisClient.ConnectAsync(_server.Options(), Cancel);
        await admin.ExecuteAsync(RedisCommand.Of("ACL", "SETUSER", "app", "on", ">secret", "+@all", "~*", "&*"), Cancel);
        await using var redis = await RedisClient.ConnectAsync(
            _server.Options() with { Username = "app", Password = "secret", Database = 5, ClientName = "the-app" }, Cancel);
        await redis.ExecuteAsync(RedisCommand.Of("SET", "key", "in five"), Cancel);
        for (var round = 2; round <= 6; round++)
        {
            var reconnected = new TaskCompletionSource();
            redis.Reconnected += () => reconnected.TrySetResult();
            Assert.True((await admin.ExecuteAsync(RedisCommand.Of("CLIENT", "KILL", "USER", "app"), Cancel)).AsInt64() >= 1);
            await reconnected.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
            Assert.Equal("in five", (await redis.ExecuteAsync(RedisCommand.Of("GET", "key"), Cancel)).AsString());
            Assert.Equal(round, redis.Generation);
        }

        Assert.Contains(
            "name=the-app", (await ClientsAsync(admin)).Split('\n').Single(line => line.Contains("user=app", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_client_that_is_closed_fails_what_waits_and_refuses_more()
    {
        var redis = await RedisClient.ConnectAsync(_server.Options(), Cancel);
        await _server.PauseAsync();
        var waiting = redis.ExecuteAsync(RedisCommand.Of("PING"), Cancel).AsTask();
        await redis.DisposeAsync();
        await redis.DisposeAsync();
        _server.Resume();
        Assert.True((await Assert.ThrowsAsync<RedisConnectionException>(() => waiting)).MayHaveRun);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await redis.ExecuteAsync(RedisCommand.Of("PING"), Cancel));
    }

    [Fact]
    public async Task Calls_beyond_the_limit_wait_for_room()
    {
        await using var redis = await RedisClient.ConnectAsync(
            _server.Options() with { MaxInFlight = 3, MaxUnsentBytes = 1024, CommandTimeout = TimeSpan.FromSeconds(20) }, Cancel);
        var value = new string('v', 700);
        var replies = await Task.WhenAll(Enumerable.Range(0, 500).Select(number => Task.Run(async () =>
            (await redis.ExecuteAsync(RedisCommand.Of("ECHO", value + number), Cancel)).AsString())));
        Assert.Equal(Enumerable.Range(0, 500).Select(number => value + number), replies);

        await using var impatient = await RedisClient.ConnectAsync(
            _server.Options() with { MaxInFlight = 1, CommandTimeout = TimeSpan.FromMilliseconds(300) }, Cancel);
        await _server.PauseAsync();
        var first = impatient.ExecuteAsync(RedisCommand.Of("PING"), Cancel).AsTask();
        var second = await Assert.ThrowsAsync<RedisConnectionException>(async () => await impatient.ExecuteAsync(RedisCommand.Of("PING"), Cancel));
        _server.Resume();
        Assert.False(second.MayHaveRun);
        await Task.WhenAny(first);
    }

    [Fact]
    public async Task Cuts_in_the_middle_of_large_values_are_survived()
    {
        await using var admin = await RedisClient.ConnectAsync(_server.Options(), Cancel);
        await admin.ExecuteAsync(RedisCommand.Of("CONFIG", "SET", "appendonly", "no"), Cancel);
        await using var redis = await RedisClient.ConnectAsync(_server.Options() with { ClientName = "large", CommandTimeout = TimeSpan.FromSeconds(20) }, Cancel);
        var value = new byte[4 << 20];
        Random.Shared.NextBytes(value);
        var (failed, done) = (0, 0);
        var load = Task.WhenAll(Enumerable.Range(0, 4).Select(caller => Task.Run(async () =>
        {
            while (Volatile.Read(ref failed) < 5)
            {
                try
                {
                    var replies = await redis.ExecuteManyAsync([RedisCommand.Of("SET", $"k{caller}", value), RedisCommand.Of("GET", $"k{caller}")], Cancel);
                    Assert.True(replies[1].AsBytes().Span.SequenceEqual(value));
                    Interlocked.Increment(ref done);
                }
                catch (RedisConnectionException)
                {
                    Interlocked.Increment(ref failed);
                }
            }
        })));
        while (!load.IsCompleted)
        {
            var line = (await ClientsAsync(admin)).Split('\n').FirstOrDefault(line => line.Contains("name=large", StringComparison.Ordinal));
            if (line is not null)
            {
                var id = long.Parse(line.Split(' ')[0]["id=".Length..], CultureInfo.InvariantCulture);
                await admin.ExecuteManyAsync([RedisCommand.Of("CLIENT", "KILL", "ID", id)], Cancel);
            }

            await Task.Delay(Random.Shared.Next(20, 60), Cancel);
        }

        await load;
        Assert.True((await redis.ExecuteAsync(RedisCommand.Of("GET", "k0"), Cancel)).AsBytes().Length is 0 or 4 << 20);
    }

    private static async Task<bool> SucceedsAsync(RedisClient redis, RedisCommand command)
    {
        try
        {
            await redis.ExecuteAsync(command, Cancel);
            return true;
        }
        catch (RedisConnectionException)
        {
            return false;
        }
    }

    private static async Task<string> ClientsAsync(RedisClient redis) => (await redis.ExecuteAsync(RedisCommand.Of("CLIENT", "LIST"), Cancel)).AsString()!;
}
