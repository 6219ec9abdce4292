using Microsoft.Extensions.DependencyInjection;
using Sidecar.Abstractions;
using Sidecar.Components.Redis;
using Sidecar.Redis;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;
using TestServers;

namespace Sidecar.Workflows.Tests;

/// <summary>Runs everything a workflow can do while the process dies, the store fails, or the worker vanishes, at every point.</summary>
public abstract class CrashSuite
{
    private const string Id = "everything";

    [Fact]
    public async Task Survives_death_before_every_write() => await AtEveryWriteAsync(Fault.DieBefore);

    [Fact]
    public async Task Survives_death_after_every_write() => await AtEveryWriteAsync(Fault.DieAfter);

    [Fact]
    public async Task Survives_a_failure_before_every_write() => await AtEveryWriteAsync(Fault.FailBefore);

    [Fact]
    public async Task Survives_a_lost_acknowledgement_of_every_write() => await AtEveryWriteAsync(Fault.FailAfter);

    [Fact]
    public async Task Survives_the_loss_of_the_worker_at_every_item()
    {
        for (var item = 1; await RunAsync(new CrashingStore(await NewDiskAsync()), null, cutAtItem: item) >= item; item++)
        {
        }
    }

    [Fact]
    public async Task Survives_repeated_deaths_at_random_writes()
    {
        for (var seed = 1; seed <= 20; seed++)
        {
            var random = new Random(seed);
            var disk = await NewDiskAsync();
            var faults = Enum.GetValues<Fault>();
            await RunAsync(
                Next(),
                Next,
                cutAtItem: random.Next(1, 12),
                maxHeldResults: random.Next(2) * 64);

            CrashingStore Next() => new(disk, random.Next(1, 8), faults[random.Next(faults.Length)]);
        }
    }

    /// <summary>An empty store.</summary>
    protected abstract Task<IStateStore> NewDiskAsync();

    private async Task AtEveryWriteAsync(Fault fault)
    {
        for (var write = 1; ; write++)
        {
            var disk = await NewDiskAsync();
            var store = new CrashingStore(disk, write, fault);
            await RunAsync(store, () => new CrashingStore(disk), maxHeldResults: write % 2 == 0 ? 0 : 64);
            if (store.Writes < write)
            {
                Assert.True(write > 10);
                return;
            }
        }
    }

    /// <summary>Runs the workflow to its end, with a new engine after each death, and checks what must hold. Returns the items sent to workers.</summary>
    private static async Task<int> RunAsync(CrashingStore store, Func<CrashingStore>? reborn, int cutAtItem = 0, int maxHeldResults = 64)
    {
        var options = EngineHost.FastRetries with { MaxHeldResults = maxHeldResults };
        await using var host = await EngineHost.StartAsync(store, options);
        await using var worker = new ScriptedWorker(host)
        {
            Workflows = { ["everything"] = Scripts.Everything, ["child"] = Scripts.Sequence(1) },
            CutAtItem = cutAtItem,
        }.Start();
        using var client = host.Connect();
        using var finished = new CancellationTokenSource();
        var resurrection = Task.Run(async () =>
        {
            var current = store;
            var never = Task.Delay(Timeout.Infinite, finished.Token);
            while (await Task.WhenAny(current.Died, never) != never)
            {
                current = reborn!();
                while (true)
                {
                    try
                    {
                        await host.RestartAsync(current, options);
                        break;
                    }
                    catch (IOException)
                    {
                        current = reborn();
                    }
                }
            }
        });

        WorkflowState? state = null;
        using var patience = new CancellationTokenSource(EngineHost.Patience);
        var raised = false;
        while (state?.WorkflowStatus != OrchestrationStatus.Completed)
        {
            if (resurrection.IsFaulted)
            {
                await resurrection;
            }

            if (patience.IsCancellationRequested)
            {
                Assert.Fail($"stuck: {state?.WorkflowStatus} {state?.CustomStatus}, event raised: {raised}, {worker.Items} items, {host.Engine.GetStatus()}");
            }

            try
            {
                state = await client.GetAsync(Id);
                if (state is null)
                {
                    await client.StartAsync("everything", "in", Id);
                }
                else if (state.CustomStatus == "waiting" && !raised)
                {
                    await client.RaiseAsync(Id, "go", "go");
                    raised = true;
                }
                else if (raised)
                {
                    state = await client.WaitAsync(Id);
                }
            }
            catch (GrpcException exception) when (exception.StatusCode is GrpcStatusCode.Unavailable or GrpcStatusCode.AlreadyExists or GrpcStatusCode.Unknown or GrpcStatusCode.Internal)
            {
                await Task.Yield();
            }
        }

        Assert.Equal(Scripts.EverythingResult, state.Output);
        IReadOnlyList<HistoryEvent> history;
        while (true)
        {
            try
            {
                history = await client.HistoryAsync(Id);
                break;
            }
            catch (GrpcException exception) when (exception.StatusCode is GrpcStatusCode.Unavailable or GrpcStatusCode.Unknown)
            {
                // A late write may be the one to die at: another engine answers soon.
                patience.Token.ThrowIfCancellationRequested();
            }
        }

        HistoryCheck.Valid(history);
        // Two, three and one of its own in two executions, and the child's.
        Assert.Equal(7, worker.Executions.Count);
        // The end of the child may be known only after the retry of a write that had failed.
        while (host.Engine.GetStatus().WorkflowsInProgress > 0)
        {
            await Task.Delay(1, patience.Token);
        }

        await finished.CancelAsync();
        await resurrection;
        return worker.Items;
    }
}

public sealed class CrashTests : CrashSuite
{
    protected override Task<IStateStore> NewDiskAsync() => Task.FromResult<IStateStore>(new MemoryStore());
}

/// <summary>The same on a Redis server.</summary>
public sealed class RedisCrashTests : CrashSuite, IAsyncLifetime
{
    private LocalServers.RedisServer _server = null!;
    private RedisClient _cli = null!;
    private IStateStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        // Only processes die here, not the machine.
        _server = await Servers.NewRedisAsync(new LocalServers.RedisServerOptions { AppendFsync = LocalServers.AppendFsync.Never });
        _cli = await RedisClient.ConnectAsync(new RedisOptions
        {
            Host = _server.Host, Port = _server.Port, ConnectTimeout = EngineHost.Patience, CommandTimeout = EngineHost.Patience,
        });
        _store = (IStateStore)new ComponentRegistry().AddRedis().Find("state.redis")!(new ComponentContext(
            "statestore", "state.redis", "v1", new ComponentMetadata([new("redisHost", _server.Address)]), "app", 0, "/", "/",
            new ServiceCollection().BuildServiceProvider()));
        await _store.InitAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _cli.DisposeAsync();
        await _server.DisposeAsync();
    }

    protected override async Task<IStateStore> NewDiskAsync()
    {
        await _cli.ExecuteAsync(RedisCommand.Of("FLUSHDB"));
        return _store;
    }
}
