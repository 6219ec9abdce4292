using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;
using Sidecar.Api.Tests.Doors;
using Tandem.Protocol.Grpc;

namespace Sidecar.Api.Tests;

public sealed class OutboxOverHttp() : OutboxSuite(HttpDoor.Open);

public sealed class OutboxOverGrpc() : OutboxSuite(GrpcDoor.Open);

/// <summary>The transactional outbox (dapr/config §1): what a transaction publishes, on every store with transactions.</summary>
public abstract class OutboxSuite(Func<TestRun, int, Door> open) : DoorSuite(open)
{
    private const string Topic = "account-changed";
    private readonly ConcurrentQueue<JsonElement> _events = [];

    protected override async Task<TestRun> CreateAsync()
    {
        const string outbox = $"outboxPublishPubsub=bus;outboxPublishTopic={Topic}";
        var run = new TestRun();
        run.Component("bus", "pubsub.in-memory").Component("log", "pubsub.tandem")
            .Component("memory", "state.in-memory", outbox)
            .Component("files", "state.tandem", $"{outbox};outboxPubsub=log")
            .Component("dropping", "state.in-memory", "outboxPublishPubsub=bus;outboxPublishTopic=dropped;outboxDiscardWhenMissingState=true")
            .Component("lost", "state.in-memory", "outboxPublishPubsub=nowhere;outboxPublishTopic=t");
        await run.AppAsync("bank", app =>
        {
            app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = "bus", topic = Topic, route = "/on" } });
            app.MapPost("/on", async (HttpRequest request) => _events.Enqueue((await JsonDocument.ParseAsync(request.Body)).RootElement));
        });
        return run;
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("files")]
    public async Task Each_upsert_is_one_message_and_a_delete_is_none(string store)
    {
        await Door.TransactAsync(store, ("upsert", Json("a", """{"n":1}""")), ("delete", new Item("b")), ("upsert", Json("c", """{"n":2}""")));

        var events = await EventsAsync(2);
        Assert.Equal([1, 2], events.Select(envelope => envelope.GetProperty("data").GetProperty("n").GetInt32()).Order());
        Assert.All(events, envelope => Assert.Equal(
            ("bank", "com.dapr.event.sent", "bus", Topic, "application/json"),
            (Text(envelope, "source"), Text(envelope, "type"), Text(envelope, "pubsubname"), Text(envelope, "topic"), Text(envelope, "datacontenttype"))));
        Assert.All(events, envelope => Assert.StartsWith("outbox-", Text(envelope, "id"), StringComparison.Ordinal));
        Assert.NotEqual(Text(events[0], "id"), Text(events[1], "id"));
        Assert.Equal("""{"n":1}""", (await Door.GetAsync(store, "a"))!.Value);
        await SettledAsync(store);
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("files")]
    public async Task A_projection_is_published_in_place_of_the_value_and_not_stored(string store)
    {
        await Door.TransactAsync(
            store, ("upsert", Json("p", "\"stored\"")), ("upsert", Json("p", "\"published\"", ("outbox.projection", "true"))),
            ("upsert", Json("p", "\"late\"", ("outbox.projection", "true"))));

        Assert.Equal("published", Text((await EventsAsync(1))[0], "data"));
        Assert.Equal("\"stored\"", (await Door.GetAsync(store, "p"))!.Value);
        await SettledAsync(store);
        Assert.Single(_events);
    }

    [Fact]
    public async Task Metadata_of_the_operation_shape_the_event()
    {
        await Door.TransactAsync("memory", ("upsert", Json(
            "m", "1", ("cloudevent.id", "order-7"), ("cloudevent.type", "Ordered"), ("cloudevent.subject", "7"), ("tenant", "green"), ("id", "x"), ("data", "y"))));

        var envelope = Assert.Single(await EventsAsync(1));
        Assert.Equal(
            ("order-7", "Ordered", "7", "green", 1),
            (Text(envelope, "id"), Text(envelope, "type"), Text(envelope, "subject"), Text(envelope, "tenant"), envelope.GetProperty("data").GetInt32()));
        Assert.False(envelope.TryGetProperty("cloudevent.id", out _));
    }

    [Fact]
    public async Task A_value_without_a_content_type_is_text()
    {
        await Door.TransactAsync("memory", ("upsert", new Item("t", Door.IsGrpc ? "two" : "\"two\"")));

        var envelope = Assert.Single(await EventsAsync(1));
        Assert.Equal(("text/plain", "two"), (Text(envelope, "datacontenttype"), Text(envelope, "data")));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("files")]
    public async Task A_transaction_that_fails_publishes_nothing(string store)
    {
        await Door.FailsAsync(
            door => door.TransactAsync(store, ("upsert", Json("x", "1")), ("delete", new Item("y", ETag: "999999"))), "ERR_STATE_TRANSACTION", 500, GrpcStatusCode.Internal);

        await SettledAsync(store);
        Assert.Empty(_events);
        Assert.Null(await Door.GetAsync(store, "x"));
    }

    [Fact]
    public async Task Without_its_broker_nothing_is_written()
    {
        await Door.FailsAsync(
            door => door.TransactAsync("lost", ("upsert", Json("x", "1"))), "DAPR_PUBSUB_OUTBOX", 500, GrpcStatusCode.Internal, "pubsub nowhere is not found");

        Assert.Null(await Door.GetAsync("lost", "x"));
        Assert.Contains(Run.Log, line => line.Contains("the outbox of state store lost needs pub/sub component nowhere", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_projection_of_another_key_fails_the_transaction()
    {
        await Door.FailsAsync(
            door => door.TransactAsync("memory", ("upsert", Json("k", "1")), ("upsert", Json("other", "2", ("outbox.projection", "true")))),
            "DAPR_PUBSUB_OUTBOX", 500, GrpcStatusCode.Internal, "the projection of key 'other'");

        Assert.Null(await Door.GetAsync("memory", "k"));
    }

    [Fact]
    public async Task A_message_waits_until_its_transaction_is_there()
    {
        await PublishInternalAsync("outbox-late", Topic);
        await PassAsync(() => Run.Log.Any(line => line.Contains("outbox-late has no transaction in store memory; the broker delivers it again", StringComparison.Ordinal)));
        Assert.Empty(_events);

        await Run.Sidecar.Apps[0].Components.Find<IStateStore>("memory")!.WriteAsync(new StateWrite("outbox-late", "0"u8.ToArray()), CancellationToken.None);
        await PassAsync(() => !_events.IsEmpty);

        Assert.Equal("outbox-late", Text(Assert.Single(_events), "id"));
        await SettledAsync("memory");
    }

    [Fact]
    public async Task A_message_without_its_transaction_is_dropped_where_the_store_says_so()
    {
        await PublishInternalAsync("outbox-never", "dropped");
        await PassAsync(() => Run.Log.Any(line => line.Contains("outbox-never has no transaction in store dropping; it is discarded", StringComparison.Ordinal)));

        await SettledAsync("dropping");
    }

    private ValueTask PublishInternalAsync(string marker, string topic) => Run.Sidecar.Apps[0].Components.Find<IPubSub>("bus")!.PublishAsync(
        $"defaultbank{topic}outbox",
        new OutgoingMessage(
            JsonSerializer.SerializeToUtf8Bytes(new { id = marker, time = Clock.GetUtcNow(), specversion = "1.0", type = "t", source = "bank", data = 1 }),
            "application/cloudevents+json", ComponentMetadata.Empty),
        CancellationToken.None);

    private Task PassAsync(Func<bool> condition) => TestRun.Eventually(() =>
    {
        Clock.Advance(TimeSpan.FromSeconds(1));
        return condition();
    });

    private static Item Json(string key, string value, params (string Name, string Value)[] metadata) =>
        new(key, value, Metadata: [("contentType", "application/json"), .. metadata]);

    private static string? Text(JsonElement envelope, string name) => envelope.GetProperty(name).GetString();

    private async Task<JsonElement[]> EventsAsync(int count)
    {
        await TestRun.Eventually(() => _events.Count >= count);
        return [.. _events];
    }

    /// <summary>Nothing waits in the internal topic, and no row is left of it.</summary>
    private async Task SettledAsync(string store)
    {
        var components = Run.Sidecar.Apps[0].Components;
        await TestRun.Eventually(() => new[] { "bus", "log" }.All(name => components.Find<IPubSub>(name) is IBacklog broker && broker.Backlog().All(group => group.Pending == 0)));
        await foreach (var row in ((IKeyListing)components.Find<IStateStore>(store)!).ListKeysAsync("outbox-", CancellationToken.None))
        {
            Assert.Fail($"row {row} is left");
        }
    }
}
