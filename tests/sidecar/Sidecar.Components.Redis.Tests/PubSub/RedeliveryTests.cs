using System.Diagnostics;
using Sidecar.Abstractions;

namespace Sidecar.Components.Redis.Tests.PubSub;

/// <summary>What becomes of a message that was not handled.</summary>
public sealed class RedeliveryTests
{
    [Theory]
    [InlineData("redeliverInterval=1s", 1)]
    [InlineData("redeliverInterval=4s;processingTimeout=2s", 4)]
    public async Task A_failed_message_comes_again_after_the_interval_to_any_consumer_until_it_is_handled(string metadata, int seconds)
    {
        await using var broker = await Broker.SharedAsync();
        var times = new List<TimeSpan>();
        var began = Stopwatch.GetTimestamp();
        Task Fail(IncomingMessage message, CancellationToken cancellationToken)
        {
            lock (times)
            {
                times.Add(Stopwatch.GetElapsedTime(began));
                return times.Count < 4 ? throw new InvalidOperationException("no") : Task.CompletedTask;
            }
        }

        var consumers = new[] { new Consumer(Fail), new Consumer(Fail) };
        foreach (var (index, consumer) in consumers.Index())
        {
            await broker.SubscribeAsync(await broker.ComponentAsync(metadata, index), consumer);
        }

        await broker.PublishAsync(await broker.ComponentAsync(), "message");

        await Consumer.UntilAsync(() => consumers.Sum(consumer => consumer.Received.Count) == 4);
        await Consumer.UntilAsync(async () => await broker.PendingAsync() == 0);
        Assert.Equal([1, 2, 3, 4], consumers.SelectMany(consumer => consumer.Received).Select(message => message.DeliveryAttempt).Order());
        Assert.All(times.Zip(times.Skip(1)), pair => Assert.True(pair.Second - pair.First >= TimeSpan.FromSeconds(seconds) * 0.95, $"{pair}"));
    }

    [Fact]
    public async Task What_a_dead_consumer_had_comes_after_its_time()
    {
        await using var broker = await Broker.SharedAsync();
        var component = await broker.ComponentAsync("processingTimeout=500ms;redeliverInterval=200ms");
        await broker.RunAsync("XGROUP", "CREATE", broker.Topic, "app", "0", "MKSTREAM");
        await broker.PublishAsync(component, "message");
        await broker.RunAsync("XREADGROUP", "GROUP", "app", "app", "STREAMS", broker.Topic, ">");
        var consumer = new Consumer();

        await broker.SubscribeAsync(component, consumer);

        Assert.Equal(2, Assert.Single(await consumer.WaitAsync(1)).DeliveryAttempt);
    }

    [Fact]
    public async Task A_returned_message_is_with_another_consumer_long_before_anybody_looks()
    {
        await using var broker = await Broker.SharedAsync();
        // Looks every 150 s, for which no wait of this test has the patience: a message that comes was told of.
        const string Metadata = "redeliverInterval=10m";
        using var gone = new CancellationTokenSource();
        var leaving = new Consumer(async (_, _) =>
        {
            await Task.Delay(Timeout.Infinite, gone.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new MessageReturnedException("the app is gone");
        });
        await broker.SubscribeAsync(await broker.ComponentAsync(Metadata), leaving);
        await broker.PublishAsync(await broker.ComponentAsync(), "message");
        await leaving.WaitAsync(1);
        var staying = new Consumer();
        await broker.SubscribeAsync(await broker.ComponentAsync(Metadata, 1), staying);

        await gone.CancelAsync();

        Assert.Equal(1, Assert.Single(await staying.WaitAsync(1)).DeliveryAttempt);
    }

    [Fact]
    public async Task A_consumer_that_returns_everything_is_not_asked_in_a_tight_loop()
    {
        await using var broker = await Broker.SharedAsync();
        var component = await broker.ComponentAsync();
        var consumer = new Consumer((_, _) => throw new MessageReturnedException("the app is gone"));
        var began = Stopwatch.GetTimestamp();
        await broker.SubscribeAsync(component, consumer);
        await broker.PublishAsync(component, "message");

        // It may be just looking when the first one comes back.
        var received = await consumer.WaitAsync(4);

        Assert.All(received, message => Assert.Equal(1, message.DeliveryAttempt));
        Assert.True(Stopwatch.GetElapsedTime(began) >= TimeSpan.FromSeconds(1.9));
    }

    [Fact]
    public async Task A_subscription_that_ends_waits_for_its_handlers_and_gives_the_rest_to_others_at_once()
    {
        await using var broker = await Broker.SharedAsync();
        var component = await broker.ComponentAsync("concurrency=2");
        var release = new TaskCompletionSource();
        var leaving = new Consumer(async (message, _) =>
        {
            await release.Task;
            if (Consumer.Text(message) == "1")
            {
                throw new OperationCanceledException();
            }
        });
        var subscription = await broker.SubscribeAsync(component, leaving);
        await component.PublishManyAsync(broker.Topic, [.. Enumerable.Range(0, 5).Select(i => Broker.Message($"{i}"))], default);
        await leaving.WaitAsync(2);

        var ending = subscription.DisposeAsync().AsTask();
        Assert.False(ending.IsCompleted);
        release.SetResult();
        await ending;

        Assert.Equal(2, leaving.Received.Count);
        var staying = new Consumer();
        await broker.SubscribeAsync(component, staying);
        Assert.Equal(["1", "2", "3", "4"], (await staying.WaitAsync(4)).Select(Consumer.Text).Order());
        Assert.All(staying.Received, message => Assert.Equal(1, message.DeliveryAttempt));
    }

    [Fact]
    public async Task A_message_of_which_the_stream_was_trimmed_while_it_waited_is_given_up_and_named()
    {
        await using var broker = await Broker.SharedAsync();
        var component = await broker.ComponentAsync("redeliverInterval=2s");
        var consumer = new Consumer((message, _) =>
            Consumer.Text(message) == "bad" ? throw new InvalidOperationException("no") : Task.CompletedTask);
        await broker.SubscribeAsync(component, consumer);
        await broker.PublishAsync(component, "bad");
        var id = (await consumer.WaitAsync(1))[0].Id;
        // It waits from when it is handed back, which is pending under the name of the group.
        await Consumer.UntilAsync(async () => (await broker.RunAsync("XPENDING", broker.Topic, "app", id, id, 1)).Items is [var pending] && pending[1].AsString() == "app");

        await broker.RunAsync("XTRIM", broker.Topic, "MAXLEN", 0);
        await broker.PublishAsync(component, "good");

        await Consumer.UntilAsync(async () => await broker.PendingAsync() == 0);
        await Consumer.UntilAsync(() => broker.Logs.Lines.Any(line => line.Contains($"they are lost: {id}", StringComparison.Ordinal)));
        Assert.Contains("good", consumer.Texts);
    }

    [Theory]
    [InlineData("redeliverInterval=0")]
    [InlineData("processingTimeout=0")]
    public async Task Without_redelivery_a_failed_message_stays_pending_and_a_returned_one_does_not(string metadata)
    {
        await using var broker = await Broker.SharedAsync();
        var component = await broker.ComponentAsync(metadata);
        var returned = 0;
        var consumer = new Consumer((message, _) => Consumer.Text(message) switch
        {
            "bad" => throw new InvalidOperationException("no"),
            _ => returned++ == 0 ? throw new MessageReturnedException("once") : Task.CompletedTask,
        });
        await broker.SubscribeAsync(component, consumer);

        await broker.PublishAsync(component, "bad");
        await consumer.WaitAsync(1);
        await broker.PublishAsync(component, "returned");

        Assert.Equal(["bad", "returned", "returned"], (await consumer.WaitAsync(3)).Select(Consumer.Text));
        await Consumer.UntilAsync(async () => await broker.PendingAsync() == 1);
    }
}
