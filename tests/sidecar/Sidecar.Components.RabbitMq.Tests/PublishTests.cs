using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.RabbitMq.Tests;

/// <summary>A publish that succeeds is in a queue.</summary>
public sealed class PublishTests : IAsyncLifetime
{
    private Vhost _vhost = null!;

    public async ValueTask InitializeAsync() => _vhost = await Vhost.CreateAsync();

    public ValueTask DisposeAsync() => _vhost.DisposeAsync();

    [Fact]
    public async Task Fails_while_nobody_would_get_the_message_and_goes_on_when_somebody_does()
    {
        var broker = await _vhost.PubSubAsync();

        var error = await Assert.ThrowsAsync<IOException>(async () => await broker.PublishAsync(Vhost.Topic, Vhost.Message("lost"), default));
        var consumer = new Consumer();
        await using var subscription = await consumer.SubscribeAsync(broker);
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("found"), default);
        await consumer.WaitAsync(1);

        Assert.Contains($"no queue is bound to exchange '{Vhost.Topic}'", error.Message, StringComparison.Ordinal);
        Assert.Equal(["found"], consumer.Texts);
    }

    [Theory]
    [InlineData("mandatory=false")]
    [InlineData("deletedWhenUnused=true")]
    public async Task Succeeds_without_a_queue_where_messages_are_not_kept(string metadata)
    {
        var broker = await _vhost.PubSubAsync(metadata);
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("nobody"), default);
    }

    [Fact]
    public async Task Succeeds_without_a_queue_for_a_message_that_needs_no_listener()
    {
        var broker = await _vhost.PubSubAsync();

        await broker.PublishAsync(Vhost.Topic, Vhost.Message("nobody", "mandatory=false"), default);
        await Assert.ThrowsAsync<IOException>(async () => await broker.PublishAsync(Vhost.Topic, Vhost.Message("lost"), default));
    }

    [Fact]
    public async Task Is_kept_before_any_consumer_has_started_when_the_topology_was_imported()
    {
        await _vhost.Server.ImportAsync(
            $$"""
            {
              "exchanges": [{ "name": "{{Vhost.Topic}}", "type": "fanout", "durable": true, "auto_delete": false, "internal": false, "arguments": {} }],
              "queues": [{ "name": "app-{{Vhost.Topic}}", "durable": true, "auto_delete": false, "arguments": { "x-queue-type": "quorum" } }],
              "bindings": [{ "source": "{{Vhost.Topic}}", "destination": "app-{{Vhost.Topic}}", "destination_type": "queue", "routing_key": "", "arguments": {} }]
            }
            """, _vhost.Name);
        await (await _vhost.PubSubAsync(appId: "publisher")).PublishAsync(Vhost.Topic, Vhost.Message("early"), default);

        var consumer = new Consumer();
        await using var subscription = await consumer.SubscribeAsync(await _vhost.PubSubAsync());

        await consumer.WaitAsync(1);
        Assert.Equal(["early"], consumer.Texts);
    }

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Fails_clearly_when_a_queue_is_full_and_what_succeeded_is_there(string queueType)
    {
        await _vhost.PolicyAsync(new { overflow = "reject-publish" });
        var broker = await _vhost.PubSubAsync();
        var metadata = $"queueType={queueType};maxLen=50";
        await (await new Consumer().SubscribeAsync(broker, metadata)).DisposeAsync();
        OutgoingMessage[] messages = [.. Enumerable.Range(0, 1000).Select(index => Vhost.Message($"{index}"))];

        // A quorum queue refuses a little late; in the end it refuses.
        var errors = new List<Exception?>();
        for (var index = 0; index < messages.Length; index += 100)
        {
            errors.AddRange(await broker.PublishManyAsync(Vhost.Topic, messages[index..(index + 100)], default));
        }

        var accepted = Enumerable.Range(0, messages.Length).Where(index => errors[index] is null).Select(index => $"{index}").ToList();
        Assert.InRange(accepted.Count, 50, 500);
        Assert.All(errors.OfType<Exception>(), error => Assert.Contains("is full (overflow reject-publish)", error.Message, StringComparison.Ordinal));
        var single = await Assert.ThrowsAsync<IOException>(async () => await broker.PublishAsync(Vhost.Topic, Vhost.Message("more"), default));
        Assert.Contains($"exchange '{Vhost.Topic}'", single.Message, StringComparison.Ordinal);

        var consumer = new Consumer();
        await using var subscription = await consumer.SubscribeAsync(broker, metadata);
        await consumer.WaitAsync(accepted.Count);
        Assert.Equal(accepted.Order(), consumer.Texts.Order());
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("there is room"), default);
    }

    [Fact]
    public async Task A_batch_names_what_was_wrong_and_publishes_the_rest_in_order()
    {
        var broker = await _vhost.PubSubAsync("concurrencyMode=single");
        var consumer = new Consumer();
        await using var subscription = await consumer.SubscribeAsync(broker);

        var errors = await broker.PublishManyAsync(
            Vhost.Topic, [.. Enumerable.Range(0, 500).Select(index => Vhost.Message($"{index}", index == 7 ? "ttlInSeconds=soon" : ""))], default);

        await consumer.WaitAsync(499);
        Assert.Equal(Enumerable.Range(0, 500).Where(index => index != 7).Select(index => $"{index}"), consumer.Texts);
        Assert.Equal("metadata 'ttlInSeconds' is not a positive number of seconds: 'soon'", errors[7]?.Message);
        Assert.Equal(499, errors.Count(error => error is null));
    }

    [Fact]
    public async Task Properties_come_with_the_message_when_asked_for()
    {
        var broker = await _vhost.PubSubAsync("publishMessagePropertiesToMetadata=true");
        var consumer = new Consumer();
        await using var subscription = await consumer.SubscribeAsync(broker);

        await broker.PublishAsync(Vhost.Topic, Vhost.Message("it", "messageId=m1;correlationId=c1;type=t1;contentType=text/x"), default);

        await consumer.WaitAsync(1);
        var message = Assert.Single(consumer.Received);
        Assert.Equal("m1", message.Id);
        Assert.Equal(
            ["metadata.contenttype=text/x", "metadata.correlationid=c1", "metadata.messageid=m1", "metadata.type=t1"],
            message.Metadata.Select(entry => $"{entry.Key}={entry.Value}").Order());
    }

    [Fact]
    public async Task Routing_keys_choose_the_queue_and_priorities_the_order()
    {
        var broker = await _vhost.PubSubAsync("exchangeKind=direct;concurrencyMode=single");
        const string metadata = "maxPriority=5;routingKey=red,blue";
        await (await new Consumer().SubscribeAsync(broker, metadata)).DisposeAsync();
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("low", "routingKey=red;priority=1"), default);
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("high", "routingKey=blue;priority=5"), default);
        await Assert.ThrowsAsync<IOException>(async () => await broker.PublishAsync(Vhost.Topic, Vhost.Message("none", "routingKey=green"), default));

        var consumer = new Consumer();
        await using var subscription = await consumer.SubscribeAsync(broker, metadata);

        await consumer.WaitAsync(2);
        Assert.Equal(["high", "low"], consumer.Texts);
    }

    [Fact]
    public async Task An_exchange_that_goes_with_its_last_queue_is_made_again()
    {
        var broker = await _vhost.PubSubAsync("deletedWhenUnused=true");
        var consumer = new Consumer();
        for (var round = 1; round <= 3; round++)
        {
            await using var subscription = await consumer.SubscribeAsync(broker, "");
            await broker.PublishAsync(Vhost.Topic, Vhost.Message($"{round}"), default);
            await consumer.WaitAsync(round);
            await subscription.DisposeAsync();
            await broker.PublishAsync(Vhost.Topic, Vhost.Message("between"), default);
        }

        Assert.Equal(["1", "2", "3"], consumer.Texts);
    }

    [Fact]
    public async Task Many_publishers_at_a_time_share_a_channel()
    {
        var broker = await _vhost.PubSubAsync("publishTimeout=5m");
        var consumer = new Consumer();
        await using var subscription = await consumer.SubscribeAsync(broker);
        var large = new string('x', 100_000);

        await Task.WhenAll(Enumerable.Range(0, 400).Select(async index => await broker.PublishAsync(Vhost.Topic, Vhost.Message($"{index}:{large}"), default)));

        await consumer.WaitAsync(400);
        Assert.All(consumer.Received, message => Assert.EndsWith(large, Encoding.UTF8.GetString(message.Data.Span), StringComparison.Ordinal));
        Assert.Equal(400, consumer.Texts.Distinct().Count());
    }
}
