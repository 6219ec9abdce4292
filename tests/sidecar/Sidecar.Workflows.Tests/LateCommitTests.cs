using Sidecar.Abstractions;
using Tandem.Protocol.Grpc;

namespace Sidecar.Workflows.Tests;

/// <summary>A database may commit what a process had sent before it died only after its successor has looked for what goes on.</summary>
public sealed class LateCommitTests
{
    [Fact]
    public async Task A_creation_that_lands_after_the_successor_has_looked_goes_on_when_its_client_asks_again()
    {
        await using var run = await Successor.OfAsync("root");
        run.Late.Release();
        await run.Late.Landed;

        var refused = await Assert.ThrowsAsync<GrpcException>(() => run.Client.StartAsync("root", "in", "root"));

        Assert.Equal(GrpcStatusCode.AlreadyExists, refused.StatusCode);
        Assert.Equal("a(in)", (await run.Client.WaitAsync("root"))!.Output);
    }

    [Fact]
    public async Task It_goes_on_when_somebody_looks_at_it()
    {
        await using var run = await Successor.OfAsync("root");
        run.Late.Release();
        await run.Late.Landed;

        Assert.NotNull(await run.Client.GetAsync("root"));

        Assert.Equal("a(in)", (await run.Client.WaitAsync("root"))!.Output);
    }

    [Fact]
    public async Task A_child_that_lands_late_goes_on_and_its_parent_with_it()
    {
        await using var run = await Successor.OfAsync("child");
        run.Late.Release();
        await run.Late.Landed;

        Assert.Equal("a(c)", (await run.Client.WaitAsync("parent"))!.Output);
    }

    /// <summary>An engine whose predecessor died while the creation of an instance was on its way into the store.</summary>
    private sealed class Successor(EngineHost host, ScriptedWorker worker, LateStore late) : IAsyncDisposable
    {
        public TaskHubClient Client { get; } = host.Connect();

        public LateStore Late { get; } = late;

        public static async Task<Successor> OfAsync(string heldInstance)
        {
            var disk = new MemoryStore();
            var late = new LateStore(disk, $"{EngineHost.Prefix}{heldInstance}||metadata");
            var host = await EngineHost.StartAsync(late, EngineHost.FastRetries);
            var worker = new ScriptedWorker(host)
            {
                Workflows =
                {
                    ["root"] = Scripts.Sequence(1),
                    ["child"] = Scripts.Sequence(1),
                    ["parent"] = script =>
                    {
                        if (script.Child(0, "child", "c", "child") is { } result)
                        {
                            script.Complete(result);
                        }
                    },
                },
            }.Start();
            using (var client = host.Connect())
            {
                var start = heldInstance == "root" ? client.StartAsync("root", "in", "root") : client.StartAsync("parent", "in", "parent");
                await late.OnItsWay.WaitAsync(EngineHost.Patience, TestContext.Current.CancellationToken);
                // The child lands after the successor's listing and before its parent looks for it.
                await host.RestartAsync(heldInstance == "root" ? disk : new WaitingStore(disk, late), EngineHost.FastRetries);
                await Task.WhenAny(start);
            }

            return new Successor(host, worker, late);
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            await worker.DisposeAsync();
            await host.DisposeAsync();
        }
    }

    /// <summary>A store that takes the first write of a row when it is told to, whatever has become of the writer.</summary>
    private sealed class LateStore(IStateStore disk, string key) : StoreInFront(disk)
    {
        private readonly TaskCompletionSource _onItsWay = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _landed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task OnItsWay => _onItsWay.Task;

        public Task Landed => _landed.Task;

        public string Key => key;

        public void Release() => _released.TrySetResult();

        public override async ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken)
        {
            if (writes.Any(write => write.Key == key) && _onItsWay.TrySetResult())
            {
                await _released.Task;
                await Disk.TransactAsync(writes, CancellationToken.None);
                _landed.TrySetResult();
            }
            else
            {
                await Disk.TransactAsync(writes, cancellationToken);
            }
        }
    }

    /// <summary>Who reads the row of a late write reads it after that.</summary>
    private sealed class WaitingStore(IStateStore disk, LateStore late) : StoreInFront(disk)
    {
        public override async ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
        {
            if (keys.Contains(late.Key))
            {
                await late.Landed.WaitAsync(cancellationToken);
            }

            return await Disk.GetManyAsync(keys, cancellationToken);
        }
    }

    private abstract class StoreInFront(IStateStore disk) : IStateStore, IKeyListing
    {
        protected IStateStore Disk => disk;

        public StateFeatures Features => disk.Features;

        public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken) => disk.GetAsync(key, cancellationToken);

        public virtual ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
            disk.GetManyAsync(keys, cancellationToken);

        public ValueTask WriteAsync(StateWrite write, CancellationToken cancellationToken) => TransactAsync([write], cancellationToken);

        public virtual ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken) => disk.TransactAsync(writes, cancellationToken);

        public IAsyncEnumerable<string> ListKeysAsync(string prefix, CancellationToken cancellationToken) => ((IKeyListing)disk).ListKeysAsync(prefix, cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
