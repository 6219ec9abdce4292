using Sidecar.Abstractions;

namespace Sidecar.Components.RabbitMq.Tests;

/// <summary>What becomes of a message that was handed over.</summary>
public sealed class SettlingTests : IAsyncLifetime
{
    private Vhost _vhost = null!;

    public async ValueTask InitializeAsync() => _vhost = await Vhost.CreateAsync();

    public ValueTask DisposeAsync() => _vhost.DisposeAsync();

    [Theory]
    [InlineData("quorum", new[] { 1, 2, 3 })]
    [InlineData("classic", new[] { 1, 2, 2 })]
    public async Task A_failed_message_comes_again_after_the_pause_and_others_do_not_wait_for_it(string queueType, int[] attempts)
    {
        var broker = await _vhost.PubSubAsync("prefetchCount=2");
        var times = new List<long>();
        var consumer = new Consumer();
        consumer.Handle = (message, _) =>
        {
            if (Vhost.Text(message) != "bad")
            {
                return Task.CompletedTask;
            }

            lock (times)
            {
                times.Add(TimeProvider.System.GetTimestamp());
                return times.Count < 3 ? throw new InvalidOperationException("no") : Task.CompletedTask;
            }
        };
        await using var subscription = await consumer.SubscribeAsync(broker, $"queueType={queueType}");
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("bad"), default);
        await broker.PublishManyAsync(Vhost.Topic, [.. Enumerable.Range(0, 20).Select(index => Vhost.Message($"{index}"))], default);

        await consumer.WaitAsync(23);
        await Wait.UntilAsync(() =>
        {
            lock (times)
            {
                return times.Count == 3;
            }
        });
        var bad = consumer.Received.Where(message => Vhost.Text(message) == "bad").ToList();
        Assert.Equal(attempts, bad.Select(message => message.DeliveryAttempt));
        Assert.Single(bad.Select(message => message.Id).Distinct());
        Assert.All(times.Zip(times.Skip(1)), pair => Assert.InRange(TimeProvider.System.GetElapsedTime(pair.First, pair.Second).TotalMilliseconds, 250, 60_000));
    }

    [Fact]
    public async Task A_failed_message_is_in_the_dead_letter_queue_when_there_is_one()
    {
        var broker = await _vhost.PubSubAsync("enableDeadLetter=true");
        var consumer = new Consumer { Handle = (_, _) => throw new InvalidOperationException("no") };
        await using var subscription = await consumer.SubscribeAsync(broker);
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("bad"), default);
        await consumer.WaitAsync(1);

        await Wait.UntilAsync(async () => (await _vhost.CountAsync($"dlq-app-{Vhost.Topic}")).Ready == 1);
        Assert.Single(consumer.Received);
    }

    [Fact]
    public async Task A_failed_message_is_dropped_only_when_the_metadata_says_so()
    {
        var broker = await _vhost.PubSubAsync("requeueInFailure=false;prefetchCount=1");
        var consumer = new Consumer();
        consumer.Handle = (message, _) => Vhost.Text(message) == "bad" ? throw new InvalidOperationException("no") : Task.CompletedTask;
        await using var subscription = await consumer.SubscribeAsync(broker);
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("bad"), default);
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("good"), default);

        await consumer.WaitAsync(2);
        await subscription.DisposeAsync();
        var next = new Consumer();
        await using var second = await next.SubscribeAsync(broker);
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("last"), default);
        await next.WaitAsync(1);

        Assert.Equal(["last"], next.Texts);
    }

    [Fact]
    public async Task A_consumer_that_gives_messages_back_does_not_get_them_again_in_a_hot_loop()
    {
        var broker = await _vhost.PubSubAsync("returnPause=500ms;prefetchCount=4");
        var gone = new Consumer { Handle = (_, _) => throw new MessageReturnedException("the app is gone") };
        await using var first = await gone.SubscribeAsync(broker);
        var begin = TimeProvider.System.GetTimestamp();
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("message"), default);
        await gone.WaitAsync(3);

        Assert.InRange(TimeProvider.System.GetElapsedTime(begin).TotalSeconds, 0.9, 60);

        // Another one of the group gets it while the first pauses.
        var present = new Consumer();
        await using var second = await present.SubscribeAsync(await _vhost.PubSubAsync());
        await present.WaitAsync(1);
        Assert.Equal(["message"], present.Texts);
    }

    [Fact]
    public async Task What_waits_for_its_redelivery_goes_to_others_when_the_consumer_leaves()
    {
        var failing = await _vhost.PubSubAsync("redeliverInterval=10m");
        var consumer = new Consumer { Handle = (_, _) => throw new InvalidOperationException("no") };
        var subscription = await consumer.SubscribeAsync(failing);
        await failing.PublishManyAsync(Vhost.Topic, [.. Enumerable.Range(0, 10).Select(index => Vhost.Message($"{index}"))], default);
        await consumer.WaitAsync(10);

        await subscription.DisposeAsync();

        var other = new Consumer();
        await using var second = await other.SubscribeAsync(await _vhost.PubSubAsync());
        await other.WaitAsync(10);
        Assert.Equal(Enumerable.Range(0, 10).Select(index => $"{index}"), other.Texts.Distinct().Order());
    }

    [Fact]
    public async Task Dispose_waits_for_the_handlers_and_acknowledges_what_they_finished()
    {
        var broker = await _vhost.PubSubAsync();
        var release = new TaskCompletionSource();
        var consumer = new Consumer { Handle = (_, _) => release.Task };
        var subscription = await consumer.SubscribeAsync(broker);
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("slow"), default);
        await consumer.WaitAsync(1);

        var disposal = subscription.DisposeAsync().AsTask();
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("later"), default);
        Assert.False(disposal.IsCompleted);
        release.SetResult();
        await disposal;

        var next = new Consumer();
        await using var second = await next.SubscribeAsync(broker);
        await next.WaitAsync(1);
        Assert.Equal(["later"], next.Texts);
        Assert.Equal(["slow"], consumer.Texts);
    }

    [Fact]
    public async Task Holds_no_more_messages_than_prefetchCount()
    {
        var broker = await _vhost.PubSubAsync();
        var release = new TaskCompletionSource();
        var consumer = new Consumer { Handle = (_, _) => release.Task };
        await using var subscription = await consumer.SubscribeAsync(broker);
        await broker.PublishManyAsync(Vhost.Topic, [.. Enumerable.Range(0, 200).Select(index => Vhost.Message($"{index}"))], default);

        await consumer.WaitAsync(PubSubOptions.DefaultPrefetch);
        await Wait.UntilAsync(async () => (await _vhost.CountAsync()).Unacknowledged == PubSubOptions.DefaultPrefetch);
        Assert.Equal(PubSubOptions.DefaultPrefetch, consumer.Received.Count);
        release.SetResult();
        await consumer.WaitAsync(200);
    }
}
