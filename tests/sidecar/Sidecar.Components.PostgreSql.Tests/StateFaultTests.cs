using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using LocalServers;
using Npgsql;
using Sidecar.Abstractions;
using TestServers;

namespace Sidecar.Components.PostgreSql.Tests;

/// <summary>A durable PostgreSQL of its own that is killed, frozen and cut off while two sidecars write.</summary>
public sealed class StateFaultTests : IAsyncLifetime
{
    private const int Counters = 4;
    private PostgresServer _server = null!;
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await Servers.NewPostgresAsync(new PostgresServerOptions { Settings = ["max_connections=13", "superuser_reserved_connections=2"] });
        _database = await TestDatabase.CreateAsync(_server);
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Kill_9_and_restart_lose_no_acknowledged_increment()
    {
        await using var counting = await CountingAsync();
        for (var round = 0; round < 2; round++)
        {
            await counting.UntilMoreAsync();
            await _server.KillAsync();
            await counting.UntilFailedAsync();
            await _server.RestartAsync();
        }

        await counting.UntilMoreAsync();
        await counting.StopAndCheckAsync();
    }

    [Fact]
    public async Task The_end_of_all_connections_loses_no_acknowledged_increment()
    {
        await using var counting = await CountingAsync();
        for (var round = 0; round < 5; round++)
        {
            await counting.UntilMoreAsync();
            await _server.QueryAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
        }

        await counting.UntilMoreAsync();
        await counting.StopAndCheckAsync();
    }

    [Fact]
    public async Task Operations_on_a_frozen_server_end_after_their_timeout_and_go_on_when_it_does()
    {
        var store = await _database.StateAsync(("timeout", "5s"), ("maxConns", "2"));
        await store.WriteAsync(new StateWrite("a", "1"u8.ToArray()), default);
        await _server.PauseAsync();
        try
        {
            var started = Stopwatch.GetTimestamp();
            var tooLate = TooLateAsync();
            Func<Task>[] operations =
            [
                async () => await store.GetAsync("a", default), async () => await store.GetManyAsync(["a"], default),
                async () => await store.WriteAsync(new StateWrite("a", "2"u8.ToArray()), default),
                async () => await store.TransactAsync([new("a", "2"u8.ToArray(), FirstWrite: true), new("b", "2"u8.ToArray())], default),
                // More than there are connections.
                async () => await store.GetAsync("b", default), async () => await store.GetAsync("c", default),
            ];
            var failures = await Task.WhenAll(operations.Select(operation => Assert.ThrowsAsync<IOException>(operation)));

            Assert.False(tooLate.IsCompleted);
            Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.FromSeconds(4.5), TimeSpan.MaxValue);
            Assert.All(failures, failure => Assert.Matches("no answer within 5 s \\('timeout'\\)|none of the 2 connections was free within 5 s", failure.Message));
            Assert.All(failures, failure => Assert.Contains($"PostgreSQL 127.0.0.1:{_server.Port}", failure.Message));
        }
        finally
        {
            _server.Resume();
        }

        await Wait.UntilAsync(async () => await SucceedsAsync(async () => await store.WriteAsync(new StateWrite("a", "3"u8.ToArray()), default)));
        Assert.Equal("3", Encoding.UTF8.GetString((await store.GetAsync("a", default))!.Value.Span));

        // After 15 s in two parts: a machine that stands still holds up the first one and the operations alike.
        static async Task TooLateAsync()
        {
            await Task.Delay(TimeSpan.FromSeconds(5));
            await Task.Delay(TimeSpan.FromSeconds(10));
        }
    }

    [Fact]
    public async Task A_caller_that_goes_away_is_let_go_at_once_and_its_connection_serves_the_next_one()
    {
        // With a timeout that ends nothing here.
        var store = await _database.StateAsync(("maxConns", "1"), ("timeout", "10m"));
        await store.WriteAsync(new StateWrite("a", "1"u8.ToArray()), default);
        await using var locked = await _database.LockAsync("a");
        using var caller = new CancellationTokenSource();
        var write = store.WriteAsync(new StateWrite("a", "2"u8.ToArray()), caller.Token).AsTask();
        // For longer than a batch waits for a lock: the write has been sent alone.
        await Wait.UntilAsync(async () => await _database.QueryAsync(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query_start < now() - interval '0.2 s'") != "0");

        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Null(await store.GetAsync("b", default).AsTask().WaitAsync(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public async Task A_server_without_a_free_connection_is_waited_for_and_named()
    {
        // Of the thirteen connections two are reserved and this one is held: ordinary users have ten.
        await using var superuser = new NpgsqlConnection(_server.ConnectionString(_database.Name) + ";Pooling=false;Timeout=60");
        await superuser.OpenAsync();
        await AskAsync("CREATE ROLE app_user LOGIN PASSWORD 'p'; GRANT ALL ON SCHEMA public TO app_user;");
        (string, string)[] user = [("user", "app_user"), ("password", "p"), ("maxConns", "1")];
        var store = await _database.StateAsync(user);
        var impatient = await _database.StateAsync([.. user, ("timeout", "5s")]);
        await AskAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app_user'");
        await Wait.UntilAsync(async () => await UsersAsync() == 0);
        var greedy = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => GreedyAsync()));

        const string Advice = "the server has no connection left; raise its max_connections or lower 'maxConns'";
        Assert.Contains(Advice, (await Assert.ThrowsAsync<IOException>(() => _database.StateAsync(user))).Message);
        Assert.Contains(Advice, (await Assert.ThrowsAsync<IOException>(async () => await impatient.GetAsync("a", default))).Message);

        var waiting = store.GetAsync("a", default).AsTask();
        Assert.Equal(10, await UsersAsync());
        Assert.False(waiting.IsCompleted);
        await greedy[0].DisposeAsync();
        Assert.Null(await waiting);

        async Task<IOutputBinding> GreedyAsync()
        {
            // A backend that ends leaves pg_stat_activity a moment before its place is free.
            IOutputBinding binding = null!;
            await Wait.UntilAsync(() => SucceedsAsync(async () => binding = await _database.BindingAsync(user)));
            return binding;
        }

        async Task<long> UsersAsync() => (long)(await AskAsync("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_user'"))!;

        async Task<object?> AskAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, superuser);
            return await command.ExecuteScalarAsync();
        }
    }

    [Fact]
    public async Task Transactions_over_the_same_keys_in_every_order_never_deadlock()
    {
        var stores = await Task.WhenAll(_database.StateAsync(), _database.StateAsync());
        string[] keys = [.. Enumerable.Range(0, 20).Select(i => $"k{i}")];
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            var random = new Random(writer);
            for (var round = 0; round < 25; round++)
            {
                var order = keys.ToArray();
                random.Shuffle(order);
                await stores[writer % 2].TransactAsync([.. order.Select(key => new StateWrite(key, Encoding.UTF8.GetBytes($"{writer}-{round}")))], default);
            }
        })));

        Assert.Single((await stores[0].GetManyAsync(keys, default)).Select(item => Encoding.UTF8.GetString(item!.Value.Span)).Distinct());
        Assert.Equal("0", await _database.QueryAsync("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"));
    }

    private async Task<Counting> CountingAsync()
    {
        var patient = await _database.StateAsync();
        IStateStore[] stores = [await _database.StateAsync(("timeout", "5s")), await _database.StateAsync(("timeout", "5s"))];
        for (var counter = 0; counter < Counters; counter++)
        {
            await patient.WriteAsync(new StateWrite($"counter{counter}", "0"u8.ToArray()), default);
        }

        return new Counting(stores, patient);
    }

    private static async Task<bool> SucceedsAsync(Func<Task> operation)
    {
        try
        {
            await operation();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>
    /// Increments by etag from two sidecars, half of them as transactions with a second key. Each increment is acknowledged, refused (somebody was
    /// first), or failed, which leaves open whether it happened.
    /// </summary>
    private sealed class Counting : IAsyncDisposable
    {
        private readonly IStateStore[] _stores;
        private readonly IStateStore _patient;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task[] _writers;
        private readonly int[] _acknowledged = new int[Counters];
        private readonly int[] _failed = new int[Counters];
        private readonly ConcurrentBag<string> _unexpected = [];
        private int _failures;

        public Counting(IStateStore[] stores, IStateStore patient)
        {
            (_stores, _patient) = (stores, patient);
            _writers = [.. Enumerable.Range(0, Counters * 2).Select(writer => Task.Run(() => WriteAsync(writer)))];
        }

        private int Acknowledged => _acknowledged.Sum();

        public async Task UntilMoreAsync()
        {
            var before = Acknowledged;
            await Wait.UntilAsync(() => Task.FromResult(Acknowledged >= before + 100));
        }

        public async Task UntilFailedAsync()
        {
            var before = Volatile.Read(ref _failures);
            await Wait.UntilAsync(() => Task.FromResult(Volatile.Read(ref _failures) > before));
        }

        public async Task StopAndCheckAsync()
        {
            await DisposeAsync();
            Assert.Empty(_unexpected);
            for (var counter = 0; counter < Counters; counter++)
            {
                var value = await ReadAsync(_patient, $"counter{counter}");
                Assert.InRange(value, _acknowledged[counter], _acknowledged[counter] + _failed[counter]);
                Assert.Equal(value, HasCopy(counter) ? await ReadAsync(_patient, $"counter{counter}-copy") : value);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_writers);
        }

        private async Task WriteAsync(int writer)
        {
            var (store, counter) = (_stores[writer % 2], writer / 2);
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    var item = (await store.GetAsync($"counter{counter}", default))!;
                    var next = Encoding.UTF8.GetBytes(int.Parse(Encoding.UTF8.GetString(item.Value.Span), CultureInfo.InvariantCulture) + 1 + "");
                    try
                    {
                        var write = new StateWrite($"counter{counter}", next, item.ETag);
                        await (HasCopy(counter) ? store.TransactAsync([new($"counter{counter}-copy", next), write], default) : store.WriteAsync(write, default));
                        Interlocked.Increment(ref _acknowledged[counter]);
                    }
                    catch (IOException)
                    {
                        Interlocked.Increment(ref _failed[counter]);
                        throw;
                    }
                }
                catch (ETagMismatchException)
                {
                    // The other sidecar was first.
                }
                catch (IOException)
                {
                    // Not read, or not written.
                    Interlocked.Increment(ref _failures);
                    await Task.Delay(20);
                }
                catch (Exception exception)
                {
                    _unexpected.Add(exception.ToString());
                    return;
                }
            }
        }

        private static bool HasCopy(int counter) => counter % 2 == 0;

        private static async Task<int> ReadAsync(IStateStore store, string key) =>
            int.Parse(Encoding.UTF8.GetString((await store.GetAsync(key, default))!.Value.Span), CultureInfo.InvariantCulture);
    }
}
