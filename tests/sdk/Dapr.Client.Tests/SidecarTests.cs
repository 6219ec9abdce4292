using System.Text;
using System.Threading.Channels;
using Dapr.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dapr.Client.Tests;

/// <summary>The client and the app side against this build's sidecar.</summary>
public sealed class SidecarTests
{
    private static readonly StateOptions FirstWrite = new() { Concurrency = ConcurrencyMode.FirstWrite };

    private sealed record Order(string Id, int Qty);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task State_is_guarded_by_etags()
    {
        await using var sidecar = await LocalSidecar.StartAsync();
        var dapr = sidecar.Client;

        await dapr.SaveStateAsync("store", "a/1", new Order("x", 1), cancellationToken: Cancellation);
        var (value, etag) = await dapr.GetStateAndETagAsync<Order>("store", "a/1", cancellationToken: Cancellation);

        Assert.Equal(new Order("x", 1), value);
        Assert.True(await dapr.TrySaveStateAsync("store", "a/1", new Order("x", 2), etag, cancellationToken: Cancellation));
        Assert.False(await dapr.TrySaveStateAsync("store", "a/1", new Order("x", 3), etag, cancellationToken: Cancellation));
        Assert.False(await dapr.TryDeleteStateAsync("store", "a/1", etag, cancellationToken: Cancellation));
        Assert.Equal(2, (await dapr.GetStateAsync<Order>("store", "a/1", cancellationToken: Cancellation)).Qty);
        Assert.True(await dapr.TryDeleteStateAsync(
            "store", "a/1", (await dapr.GetStateAndETagAsync<Order>("store", "a/1", cancellationToken: Cancellation)).etag, cancellationToken: Cancellation));
        Assert.Null(await dapr.GetStateAsync<Order?>("store", "a/1", cancellationToken: Cancellation));
    }

    [Fact]
    public async Task The_second_first_write_fails()
    {
        await using var sidecar = await LocalSidecar.StartAsync();

        await sidecar.Client.SaveStateAsync("store", "k", 1, FirstWrite, cancellationToken: Cancellation);
        await Assert.ThrowsAsync<DaprException>(() => sidecar.Client.SaveStateAsync("store", "k", 2, FirstWrite, cancellationToken: Cancellation));

        Assert.Equal(1, await sidecar.Client.GetStateAsync<int>("store", "k", cancellationToken: Cancellation));
    }

    [Fact]
    public async Task Transactions_and_bulk_reads_meet()
    {
        await using var sidecar = await LocalSidecar.StartAsync();
        var dapr = sidecar.Client;
        await dapr.SaveBulkStateAsync<int>("store", [new("a", 1, null!), new("b", 2, null!)], Cancellation);

        await dapr.ExecuteStateTransactionAsync(
            "store",
            [new("a", "10"u8.ToArray(), StateOperationType.Upsert), new("b", null, StateOperationType.Delete), new("c/d", "[3]"u8.ToArray(), StateOperationType.Upsert)],
            cancellationToken: Cancellation);
        var items = await dapr.GetBulkStateAsync("store", ["a", "b", "c/d"], null, cancellationToken: Cancellation);

        Assert.Equal([("a", "10"), ("b", ""), ("c/d", "[3]")], items.OrderBy(item => item.Key, StringComparer.Ordinal).Select(item => (item.Key, item.Value)));
        Assert.NotEmpty(items.Single(item => item.Key == "a").ETag);
    }

    [Fact]
    public async Task Events_arrive_unwrapped_with_the_app_token()
    {
        var received = Channel.CreateUnbounded<(Order Order, string Token, string Type)>();
        await using var sidecar = await LocalSidecar.StartAsync(app =>
        {
            app.UseCloudEvents();
            app.MapSubscribeHandler();
            app.MapPost("/on/orders", (Order order, HttpRequest request) =>
                received.Writer.TryWrite((order, request.Headers["dapr-api-token"].ToString(), request.ContentType!))).WithTopic("bus", "orders");
        });

        await sidecar.Client.PublishEventAsync("bus", "orders", new Order("x", 4), Cancellation);

        Assert.Equal((new Order("x", 4), LocalSidecar.AppToken, "application/json"), await received.Reader.ReadAsync(Cancellation));
    }

    [Fact]
    public async Task Texts_and_bytes_arrive_as_they_were_sent()
    {
        var received = Channel.CreateUnbounded<(string Body, string? Type)>();
        await using var sidecar = await LocalSidecar.StartAsync(app =>
        {
            app.UseCloudEvents();
            app.MapSubscribeHandler();
            app.MapPost("/notes", async (HttpContext http) =>
            {
                using var body = new MemoryStream();
                await http.Request.Body.CopyToAsync(body);
                received.Writer.TryWrite((Encoding.UTF8.GetString(body.ToArray()), http.Request.ContentType));
            }).WithTopic("bus", "notes");
        });

        await sidecar.Client.PublishByteEventAsync("bus", "notes", "a \"note\""u8.ToArray(), "text/plain", cancellationToken: Cancellation);
        Assert.Equal(("a \"note\"", "text/plain"), await received.Reader.ReadAsync(Cancellation));

        await sidecar.Client.PublishByteEventAsync("bus", "notes", "bytes"u8.ToArray(), "application/octet-stream", cancellationToken: Cancellation);
        Assert.Equal(("bytes", "application/octet-stream"), await received.Reader.ReadAsync(Cancellation));
    }

    [Fact]
    public async Task Bulk_published_events_all_arrive()
    {
        var received = Channel.CreateUnbounded<int>();
        await using var sidecar = await LocalSidecar.StartAsync(app =>
        {
            app.UseCloudEvents();
            app.MapSubscribeHandler();
            app.MapPost("/numbers", (Order order) => received.Writer.TryWrite(order.Qty)).WithTopic("bus", "numbers");
        });

        var result = await sidecar.Client.BulkPublishEventAsync(
            "bus", "numbers", [.. Enumerable.Range(0, 20).Select(n => new Order("x", n))], cancellationToken: Cancellation);
        var numbers = new List<int>();
        for (var i = 0; i < 20; i++)
        {
            numbers.Add(await received.Reader.ReadAsync(Cancellation));
        }

        Assert.Empty(result.FailedEntries);
        Assert.Equal(Enumerable.Range(0, 20), numbers.Order());
    }

    [Fact]
    public async Task Batch_is_answered_entry_by_entry()
    {
        var batches = Channel.CreateUnbounded<BulkSubscribeMessage<BulkMessageModel<Order>>>();
        await using var sidecar = await LocalSidecar.StartAsync(app =>
        {
            app.UseCloudEvents();
            app.MapSubscribeHandler();
            var retries = 0;
            app.MapPost("/many", (BulkSubscribeMessage<BulkMessageModel<Order>> message) =>
            {
                batches.Writer.TryWrite(message);
                return new BulkSubscribeAppResponse([.. message.Entries.Select(entry => new BulkSubscribeAppResponseEntry(
                    entry.EntryId,
                    entry.Event.Data.Qty switch
                    {
                        1 when Interlocked.Increment(ref retries) == 1 => BulkSubscribeAppResponseStatus.RETRY,
                        2 => BulkSubscribeAppResponseStatus.DROP,
                        _ => BulkSubscribeAppResponseStatus.SUCCESS,
                    }))]);
            }).WithTopic("bus", "many").WithBulkSubscribe(new BulkSubscribeTopicOptions { TopicName = "many", MaxMessagesCount = 3, MaxAwaitDurationMs = 100 });
        });

        await sidecar.Client.BulkPublishEventAsync(
            "bus", "many", [.. Enumerable.Range(0, 3).Select(n => new Order("x", n))], cancellationToken: Cancellation);
        var entries = new List<BulkSubscribeMessageEntry<BulkMessageModel<Order>>>();
        while (entries.Count < 4)
        {
            var batch = await batches.Reader.ReadAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
            Assert.Equal("many", batch.Topic);
            entries.AddRange(batch.Entries);
        }

        Assert.Equal([0, 1, 2], entries.Take(3).Select(entry => entry.Event.Data.Qty).Order());
        Assert.Equal(1, entries[3].Event.Data.Qty);
        Assert.Equal(entries.Single(entry => entry.Event.Data.Qty == 1 && entry != entries[3]).Event.Id, entries[3].Event.Id);
        Assert.All(entries, entry =>
        {
            Assert.Equal(("app", "application/json", "1.0"), (entry.Event.Source, entry.Event.Datacontenttype, entry.Event.Specversion));
            Assert.Equal("application/cloudevents+json", entry.ContentType);
        });
    }

    [Fact]
    public async Task A_wrong_token_and_unknown_components_are_failures()
    {
        await using var sidecar = await LocalSidecar.StartAsync();
        using var stranger = new DaprClientBuilder().UseHttpEndpoint(sidecar.Address).UseDaprApiToken("wrong").Build();

        await Assert.ThrowsAsync<DaprException>(() => stranger.GetStateAsync<int>("store", "k", cancellationToken: Cancellation));
        var missing = await Assert.ThrowsAsync<DaprException>(() => sidecar.Client.GetStateAsync<int>("nowhere", "k", cancellationToken: Cancellation));
        var unpublished = await Assert.ThrowsAsync<DaprException>(() => sidecar.Client.PublishEventAsync("nobus", "t", 1, Cancellation));

        Assert.StartsWith("ERR_STATE_STORE_NOT_FOUND", missing.Message, StringComparison.Ordinal);
        Assert.StartsWith("ERR_PUBSUB_NOT_FOUND", unpublished.Message, StringComparison.Ordinal);
        Assert.True(await sidecar.Client.CheckOutboundHealthAsync(Cancellation));
        Assert.Equal(["bus", "store"], (await sidecar.Client.GetMetadataAsync(Cancellation)).Components.Select(component => component.Name).Order());
    }
}
