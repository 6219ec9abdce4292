using Sidecar.Abstractions;
using Sidecar.Api.Tests.Doors;
using Tandem.Protocol.Grpc;

namespace Sidecar.Api.Tests;

public sealed class StateOverHttp() : StateSuite(HttpDoor.Open);

public sealed class StateOverGrpc() : StateSuite(GrpcDoor.Open);

/// <summary>State (dapr-http §1, grpc §2.1).</summary>
public abstract class StateSuite(Func<TestRun, int, Door> open) : DoorSuite(open)
{
    protected override async Task<TestRun> CreateAsync()
    {
        var run = new TestRun { Types = types => types.Add("state.plain", _ => new WriteOnlyStore(() => Task.CompletedTask)) };
        run.Component("store", "state.in-memory").Component("files", "state.tandem").Component("plain", "state.plain", tail: "scopes: [a]\n");
        await run.AppAsync("a");
        await run.AppAsync("b");
        return run;
    }

    [Fact]
    public async Task Returns_what_was_saved_as_it_was_sent_with_an_etag()
    {
        await Door.SaveAsync("store", new Item("k", """{"text":"x","n":[1.50]}"""));

        var stored = await Door.GetAsync("store", "k");

        Assert.NotEmpty(stored!.ETag);
        Assert.Equal("""{"text":"x","n":[1.50]}""", stored.Value);
        Assert.Null(stored.ExpiresAt);
        Assert.Null(await Door.GetAsync("store", "absent"));
    }

    [Fact]
    public async Task Keeps_the_apps_apart()
    {
        await Door.SaveAsync("store", new Item("mine", "1"));
        using var other = Open(1);

        Assert.Null(await other.GetAsync("store", "mine"));
    }

    [Fact]
    public async Task Refuses_a_stale_etag()
    {
        await Door.SaveAsync("store", new Item("e", "1"));
        var etag = (await Door.GetAsync("store", "e"))!.ETag;
        await Door.SaveAsync("store", new Item("e", "2", etag));

        await Door.FailsAsync(door => door.SaveAsync("store", new Item("e", "3", etag)), "ERR_STATE_SAVE", 409, GrpcStatusCode.Aborted);
        await Door.FailsAsync(door => door.DeleteAsync("store", "e", etag), "ERR_STATE_DELETE", 409, GrpcStatusCode.Aborted);
        await Door.DeleteAsync("store", "e", (await Door.GetAsync("store", "e"))!.ETag);
        await Door.DeleteAsync("store", "e");
        Assert.Null(await Door.GetAsync("store", "e"));
    }

    [Fact]
    public async Task First_write_wins()
    {
        await Door.SaveAsync("store", new Item("f", "1", Concurrency: "first-write"));

        await Door.FailsAsync(door => door.SaveAsync("store", new Item("f", "2", Concurrency: "first-write")), "ERR_STATE_SAVE", 409, GrpcStatusCode.Aborted);
        // What a client that read "there is nothing" sends: an empty etag is no etag.
        await Door.FailsAsync(door => door.SaveAsync("store", new Item("f", "3", "", "first-write")), "ERR_STATE_SAVE", 409, GrpcStatusCode.Aborted);
        await Door.SaveAsync("store", new Item("f", "4", Concurrency: "last-write"));
        Assert.Equal("4", (await Door.GetAsync("store", "f"))!.Value);
    }

    [Theory]
    [InlineData("files")]
    [InlineData("store")]
    public async Task A_transaction_takes_effect_as_a_whole(string store)
    {
        await Door.SaveAsync(store, new Item("old", "1"));
        Task MoveAsync(Door door, string? etag) => door.TransactAsync(store, ("upsert", new Item("new", "2")), ("delete", new Item("old", ETag: etag)));

        await Door.FailsAsync(door => MoveAsync(door, "999999"), "ERR_STATE_TRANSACTION", 500, GrpcStatusCode.Internal);
        Assert.Null(await Door.GetAsync(store, "new"));

        await MoveAsync(Door, null);
        Assert.Equal("2", (await Door.GetAsync(store, "new"))!.Value);
        Assert.Null(await Door.GetAsync(store, "old"));
        await Door.TransactAsync(store);
    }

    [Fact]
    public async Task Bulk_get_answers_in_order_with_missing_keys_bare()
    {
        await Door.SaveAsync("store", new Item("b1", "\"x\""), new Item("b2", "2", TtlInSeconds: "10"));

        var items = await Door.GetManyAsync("store", "nope", "b1", "b2");

        Assert.Equal(["nope", "b1", "b2"], items.Select(item => item.Key));
        Assert.Equal([null, "\"x\"", "2"], items.Select(item => item.Value?.Value));
        Assert.Equal([null, null, "2026-01-01T00:00:10Z"], items.Select(item => item.Value?.ExpiresAt));
        Assert.Empty(await Door.GetManyAsync("store"));
    }

    [Theory]
    [InlineData("files")]
    [InlineData("store")]
    public async Task A_value_is_gone_after_its_time_to_live(string store)
    {
        await Door.SaveAsync(store, new Item("short", "1", TtlInSeconds: "10"), new Item("kept", "1", TtlInSeconds: "10"));
        await Door.SaveAsync(store, new Item("kept", "1", TtlInSeconds: "-1"));
        Assert.Equal("2026-01-01T00:00:10Z", (await Door.GetAsync(store, "short"))!.ExpiresAt);

        Clock.Advance(TimeSpan.FromSeconds(11));

        Assert.Null(await Door.GetAsync(store, "short"));
        Assert.Equal("1", (await Door.GetAsync(store, "kept"))!.Value);
    }

    [Fact]
    public async Task Errors_are_daprs()
    {
        await Door.FailsAsync(door => door.GetAsync("nope", "k"), "DAPR_STATE_NOT_FOUND", 400, GrpcStatusCode.InvalidArgument, "state store nope is not found");
        await Door.FailsAsync(door => door.GetManyAsync("nope"), "DAPR_STATE_NOT_FOUND", 400, GrpcStatusCode.InvalidArgument);
        await Door.FailsAsync(door => door.SaveAsync("nope"), "DAPR_STATE_NOT_FOUND", 400, GrpcStatusCode.InvalidArgument);
        await Door.FailsAsync(door => door.TransactAsync("nope"), "DAPR_STATE_NOT_FOUND", 400, GrpcStatusCode.InvalidArgument);
        await Door.FailsAsync(door => door.GetAsync("store", "a||b"), "DAPR_STATE_ILLEGAL_KEY", 400, GrpcStatusCode.InvalidArgument);
        await Door.FailsAsync(door => door.SaveAsync("store", new Item("", "1")), "ERR_MALFORMED_REQUEST", 400, GrpcStatusCode.InvalidArgument, "'key' is missing");
        await Door.FailsAsync(door => door.SaveAsync("store", new Item("k", "1", TtlInSeconds: "soon")), "ERR_MALFORMED_REQUEST", 400, GrpcStatusCode.InvalidArgument);
        await Door.FailsAsync(
            door => door.SaveAsync("store", new Item("k", "1", TtlInSeconds: "999999999999")), "ERR_MALFORMED_REQUEST", 400, GrpcStatusCode.InvalidArgument);
        await Door.FailsAsync(
            door => door.TransactAsync("store", ("replace", new Item("k"))), "ERR_NOT_SUPPORTED_STATE_OPERATION", 400, GrpcStatusCode.InvalidArgument, "replace");
        await Door.FailsAsync(
            door => door.TransactAsync("plain", ("delete", new Item("k"))), "DAPR_STATE_TRANSACTIONS_NOT_SUPPORTED", 500, GrpcStatusCode.Unimplemented);
        await Door.FailsAsync(door => door.GetAsync("plain", "k"), "ERR_STATE_GET", 500, GrpcStatusCode.Internal, "not for reading");
    }

    [Fact]
    public async Task Without_a_store_the_error_says_so()
    {
        await using var run = new TestRun();
        await run.AppAsync("app");
        await run.StartAsync();
        using var door = Open(0, run);

        await door.FailsAsync(
            d => d.GetAsync("store", "k"), "DAPR_STATE_NOT_CONFIGURED", 500, GrpcStatusCode.FailedPrecondition, "state store is not configured for app app");
    }

    [Fact]
    public async Task Items_of_one_save_are_written_at_a_time()
    {
        var writes = 0;
        var all = new TaskCompletionSource();
        await using var run = new TestRun { Types = types => types.Add("state.meeting", _ => new WriteOnlyStore(() =>
        {
            if (Interlocked.Increment(ref writes) == 3)
            {
                all.TrySetResult();
            }

            return all.Task;
        })) };
        run.Component("store", "state.meeting");
        await run.AppAsync("a");
        await run.StartAsync();
        using var door = Open(0, run);

        await door.SaveAsync("store", new Item("k0", "0"), new Item("k1", "1"), new Item("k2", "2"));

        Assert.Equal(3, writes);
    }

    /// <summary>A store whose writes last as long as the test wants.</summary>
    private sealed class WriteOnlyStore(Func<Task> write) : IStateStore
    {
        public StateFeatures Features => StateFeatures.None;

        public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken) => throw new NotSupportedException("not for reading");

        public ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) => throw new NotSupportedException();

        public async ValueTask WriteAsync(StateWrite request, CancellationToken cancellationToken) => await write();

        public ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
