using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.Redis.Tests.PubSub;

/// <summary>What is in the server is what Dapr puts and reads there (dapr/config §8.1).</summary>
public sealed class LayoutTests
{
    [Fact]
    public async Task An_entry_has_the_field_data_and_with_metadata_the_field_metadata()
    {
        await using var broker = await Broker.SharedAsync();
        var component = await broker.ComponentAsync();

        await broker.PublishAsync(component, "plain");
        await broker.PublishAsync(component, "more", ("ttlInSeconds", "60"), ("key", "ü"));

        var entries = (await broker.RunAsync("XRANGE", broker.Topic, "-", "+")).Items;
        Assert.Equal(["data", "plain"], entries[0][1].Items.Select(field => field.AsString()));
        Assert.Equal(["data", "more", "metadata"], entries[1][1].Items.Select(field => field.AsString()).Take(3));
        Assert.Equal(
            new Dictionary<string, string> { ["ttlInSeconds"] = "60", ["key"] = "ü" },
            System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, string>>(entries[1][1][3].AsBytes().Span));
    }

    [Fact]
    public async Task An_entry_of_daprd_is_read_with_its_metadata_from_the_beginning_of_the_stream()
    {
        await using var broker = await Broker.SharedAsync();
        await broker.RunAsync("XADD", broker.Topic, "7-1", "data", "{}", "metadata", """{"a":"1"}""");
        await broker.RunAsync("XADD", broker.Topic, "7-2", "data", "second");
        await broker.RunAsync("XADD", broker.Topic, "7-3", "unknown", "field", "metadata", "no JSON");
        var consumer = new Consumer();

        await broker.SubscribeAsync(await broker.ComponentAsync("consumerID=group;concurrency=1"), consumer);

        var received = await consumer.WaitAsync(3);
        Assert.Equal(["7-1", "7-2", "7-3"], received.Select(message => message.Id));
        Assert.Equal(["{}", "second", ""], received.Select(Consumer.Text));
        Assert.Equal(["1", null, null], received.Select(message => message.Metadata["a"]));
        Assert.Equal(["group"], await broker.NamesAsync("GROUPS"));
        await Consumer.UntilAsync(async () => await broker.PendingAsync("group") == 0);
    }

    [Fact]
    public async Task Many_messages_are_published_in_their_order()
    {
        await using var broker = await Broker.SharedAsync();
        var component = await broker.ComponentAsync();

        var outcomes = await component.PublishManyAsync(
            broker.Topic, [.. Enumerable.Range(0, 500).Select(i => Broker.Message($"{i}"))], default);

        Assert.All(outcomes, Assert.Null);
        var entries = (await broker.RunAsync("XRANGE", broker.Topic, "-", "+")).Items;
        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"{i}"), entries.Select(entry => Encoding.ASCII.GetString(entry[1][1].AsBytes().Span)));
    }

    [Theory]
    [InlineData("maxLenApprox=100", 100)]
    [InlineData("maxLenApprox=100;streamTTL=1h", 100)]
    [InlineData("streamTTL=1", 0)]
    [InlineData("streamTTL=1h", 1000)]
    [InlineData("", 1000)]
    public async Task A_publish_trims_the_stream(string metadata, int kept)
    {
        await using var broker = await Broker.SharedAsync();
        var component = await broker.ComponentAsync(metadata);

        for (var i = 0; i < 10; i++)
        {
            if (i == 9)
            {
                // All that the last batch finds is older than the shortest time to live.
                await Task.Delay(20);
            }

            await component.PublishManyAsync(broker.Topic, [.. Enumerable.Range(0, 100).Select(i => Broker.Message($"{i}"))], default);
        }

        // A server trims whole nodes of 100 entries, and the newest are never old.
        Assert.InRange((await broker.RunAsync("XLEN", broker.Topic)).AsInt64(), kept, Math.Min(1000, kept + 500));
    }

    [Theory]
    [InlineData("concurrency=0", "metadata 'concurrency' must be at least 1")]
    [InlineData("queueDepth=none", "metadata 'queueDepth' is not an integer: 'none'")]
    [InlineData("processingTimeout=-1s", "metadata 'processingTimeout' must not be negative")]
    [InlineData("redeliverInterval=soon", "metadata 'redeliverInterval' is not a duration: 'soon' (examples: 500ms, 5s, 1h30m)")]
    public async Task Metadata_that_cannot_be_meant_is_refused(string metadata, string problem)
    {
        await using var broker = await Broker.SharedAsync();

        Assert.Equal(problem, (await Assert.ThrowsAsync<ComponentException>(() => broker.ComponentAsync(metadata))).Message);
    }

    [Fact]
    public async Task A_consumer_that_leaves_is_forgotten_and_its_group_stays()
    {
        await using var broker = await Broker.SharedAsync();
        var component = await broker.ComponentAsync();
        var subscription = await broker.SubscribeAsync(component, new Consumer());
        Assert.StartsWith("tandem-app-0-", Assert.Single(await broker.NamesAsync("CONSUMERS", "app")), StringComparison.Ordinal);

        await subscription.DisposeAsync();

        Assert.Empty(await broker.NamesAsync("CONSUMERS", "app"));
        Assert.Equal(["app"], await broker.NamesAsync("GROUPS"));
    }
}
