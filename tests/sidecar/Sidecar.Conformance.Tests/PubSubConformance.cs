using System.Collections.Concurrent;
using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Conformance.Tests;

/// <summary>What every broker does.</summary>
public abstract class PubSubConformance<TFixture> : IAsyncLifetime where TFixture : IPubSubFixture, new()
{
    private const string Topic = "something-happened";
    private readonly TFixture _fixture = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Delivers_bytes_and_topic_with_a_unique_id()
    {
        var broker = await _fixture.PubSubAsync("app");
        var consumer = new Consumer();
        await using var subscription = await broker.SubscribeAsync(consumer.Request(), default);

        await PublishAsync(broker, "one");
        await PublishAsync(broker, "two");

        var received = await consumer.WaitAsync(2);
        Assert.Equal(["one", "two"], received.Select(Text).Order());
        Assert.All(received, message => Assert.Equal(Topic, message.Topic));
        AssertAttempts([1, 1], received);
        Assert.Equal(2, received.Select(message => message.Id).Distinct().Count());
    }

    [Fact]
    public async Task Every_group_gets_every_message()
    {
        var first = await _fixture.PubSubAsync("first");
        var second = await _fixture.PubSubAsync("second");
        var (one, two) = (new Consumer(), new Consumer());
        await using var subscription1 = await first.SubscribeAsync(one.Request(), default);
        await using var subscription2 = await second.SubscribeAsync(two.Request(), default);

        await PublishAsync(first, "message");

        Assert.Equal("message", Text(Assert.Single(await one.WaitAsync(1))));
        Assert.Equal("message", Text(Assert.Single(await two.WaitAsync(1))));
    }

    [Fact]
    public async Task Instances_of_an_app_share_the_work()
    {
        var brokers = new[] { await _fixture.PubSubAsync("app", 0, "concurrency=1"), await _fixture.PubSubAsync("app", 1, "concurrency=1") };
        var release = new TaskCompletionSource();
        var consumers = new[] { new Consumer(), new Consumer() };
        foreach (var consumer in consumers)
        {
            consumer.Handle = _ => release.Task;
        }

        await using var subscription1 = await brokers[0].SubscribeAsync(consumers[0].Request(), default);
        await using var subscription2 = await brokers[1].SubscribeAsync(consumers[1].Request(), default);
        for (var i = 0; i < 10; i++)
        {
            await PublishAsync(brokers[0], $"{i}");
        }

        // Each blocks on its first message, so both must have got one.
        var both = new[] { await consumers[0].WaitAsync(1), await consumers[1].WaitAsync(1) };
        release.SetResult();
        await Consumer.WaitAsync(consumers, 10);

        Assert.NotEqual(both[0][0].Id, both[1][0].Id);
        Assert.Equal(
            Enumerable.Range(0, 10).Select(i => $"{i}"), consumers.SelectMany(consumer => consumer.Received).Select(Text).Order());
    }

    [Fact]
    public async Task Runs_no_more_handlers_than_configured()
    {
        var broker = await _fixture.PubSubAsync("app", 0, "concurrency=3");
        var (running, most) = (0, 0);
        var consumer = new Consumer
        {
            Handle = async _ =>
            {
                var now = Interlocked.Increment(ref running);
                InterlockedMax(ref most, now);
                await Task.Yield();
                Interlocked.Decrement(ref running);
            },
        };
        await using var subscription = await broker.SubscribeAsync(consumer.Request(), default);
        await broker.PublishManyAsync(Topic, [.. Enumerable.Range(0, 200).Select(i => Message($"{i}"))], default);

        await consumer.WaitAsync(200);

        Assert.InRange(most, 1, 3);
    }

    [Fact]
    public async Task A_group_that_returns_gets_what_it_missed()
    {
        var broker = await _fixture.PubSubAsync("app");
        await (await broker.SubscribeAsync(new Consumer().Request(), default)).DisposeAsync();
        await PublishAsync(broker, "missed");

        var consumer = new Consumer();
        await using var subscription = await broker.SubscribeAsync(consumer.Request(), default);

        Assert.Equal("missed", Text(Assert.Single(await consumer.WaitAsync(1))));
    }

    [Fact]
    public async Task What_a_leaving_consumer_did_not_finish_goes_to_another_uncounted_and_in_order()
    {
        var leaving = await _fixture.PubSubAsync("app", 0, "concurrency=4");
        var staying = await _fixture.PubSubAsync("app", 1, "concurrency=4");
        using var cancel = new CancellationTokenSource();
        var stuck = new Consumer { Handle = _ => Task.Delay(Timeout.Infinite, cancel.Token) };
        var subscription = await leaving.SubscribeAsync(stuck.Request(), cancel.Token);
        await leaving.PublishManyAsync(Topic, [Message("1"), Message("2"), Message("3")], default);
        await stuck.WaitAsync(3);

        await cancel.CancelAsync();
        await subscription.DisposeAsync();
        var consumer = new Consumer();
        await using var second = await staying.SubscribeAsync(consumer.Request(), default);

        var received = await consumer.WaitAsync(3);
        Assert.Equal(stuck.Received.Select(message => message.Id).Order(), received.Select(message => message.Id).Order());
        AssertAttempts([1, 1, 1], received);
    }

    [Fact]
    public async Task A_returned_message_goes_to_another_consumer_at_once()
    {
        var gone = await _fixture.PubSubAsync("app", 0);
        var present = await _fixture.PubSubAsync("app", 1);
        var goneConsumer = new Consumer { Handle = _ => throw new MessageReturnedException("the app is gone") };
        var presentConsumer = new Consumer();
        await using var first = await gone.SubscribeAsync(goneConsumer.Request(), default);
        await PublishAsync(gone, "message");
        await goneConsumer.WaitAsync(1);
        await using var second = await present.SubscribeAsync(presentConsumer.Request(), default);

        var received = await presentConsumer.WaitAsync(1);
        Assert.Equal("message", Text(Assert.Single(received)));
        AssertAttempts([1], received);
    }

    [Fact]
    public async Task Redelivers_after_handler_failure_with_the_next_attempt()
    {
        var interval = _fixture.Clock is null ? TimeSpan.FromMilliseconds(500) : TimeSpan.FromSeconds(5);
        var broker = await _fixture.PubSubAsync("app", 0, $"redeliverInterval={interval.TotalMilliseconds}ms");
        var consumer = new Consumer();
        consumer.Handle = _ => consumer.Received.Count < 3 ? throw new InvalidOperationException("no") : Task.CompletedTask;
        var armed = _fixture.Clock?.ArmedTimers;
        await using var subscription = await broker.SubscribeAsync(consumer.Request(), default);
        await PublishAsync(broker, "message");

        for (var attempt = 1; attempt < 3; attempt++)
        {
            await consumer.WaitAsync(attempt);
            if (_fixture.Clock is { } clock)
            {
                await Wait.UntilAsync(() => clock.ArmedTimers > armed);
                clock.Advance(interval);
            }
        }

        var received = await consumer.WaitAsync(3);
        Assert.Equal(["message", "message", "message"], received.Select(Text));
        Assert.Single(received.Select(message => message.Id).Distinct());
        AssertAttempts([1, 2, 3], received);
    }

    [Fact]
    public async Task A_message_that_is_still_handled_comes_to_nobody_else()
    {
        const string metadata = "processingTimeout=15s;redeliverInterval=500ms";
        var brokers = new[] { await _fixture.PubSubAsync("app", 0, metadata), await _fixture.PubSubAsync("app", 1, metadata) };
        var release = new TaskCompletionSource();
        var consumers = new[] { new Consumer { Handle = _ => release.Task }, new Consumer { Handle = _ => release.Task } };
        await using var first = await brokers[0].SubscribeAsync(consumers[0].Request(), default);
        await using var second = await brokers[1].SubscribeAsync(consumers[1].Request(), default);
        await PublishAsync(brokers[0], "message");
        await Consumer.WaitAsync(consumers, 1);

        await PassAsync(TimeSpan.FromSeconds(20));

        release.SetResult();
        Assert.Single(await Consumer.WaitAsync(consumers, 1));
    }

    [Fact]
    public async Task A_group_that_is_new_gets_what_the_broker_has_kept()
    {
        var broker = await _fixture.PubSubAsync("app");
        await PublishAsync(broker, "before");

        var consumer = new Consumer();
        await using var subscription = await broker.SubscribeAsync(consumer.Request(), default);
        await PublishAsync(broker, "after");

        string[] expected = _fixture.KeepsForNewGroups ? ["after", "before"] : ["after"];
        Assert.Equal(expected, (await consumer.WaitAsync(expected.Length)).Select(Text).Order());
    }

    [Fact]
    public async Task An_acknowledged_message_does_not_come_again()
    {
        var broker = await _fixture.PubSubAsync("app");
        var consumer = new Consumer();
        var subscription = await broker.SubscribeAsync(consumer.Request(), default);
        await PublishAsync(broker, "first");
        await consumer.WaitAsync(1);
        await subscription.DisposeAsync();

        var next = new Consumer();
        await using var second = await broker.SubscribeAsync(next.Request(), default);
        await PublishAsync(broker, "second");

        Assert.Equal("second", Text((await next.WaitAsync(1))[0]));
    }

    [Fact]
    public async Task A_broker_that_expires_messages_does_not_deliver_an_expired_one()
    {
        var broker = await _fixture.PubSubAsync("app");
        await (await broker.SubscribeAsync(new Consumer().Request(), default)).DisposeAsync();
        await broker.PublishAsync(Topic, Message("short", ("ttlInSeconds", "1")), default);
        await broker.PublishAsync(Topic, Message("long", ("ttlInSeconds", "100")), default);

        await PassAsync(TimeSpan.FromSeconds(1.5));
        var consumer = new Consumer();
        await using var subscription = await broker.SubscribeAsync(consumer.Request(), default);

        // Of other brokers' messages the runtime reads the expiry in the envelope.
        string[] expected = broker.Features.HasFlag(PubSubFeatures.MessageTtl) ? ["long"] : ["long", "short"];
        Assert.Equal(expected, (await consumer.WaitAsync(expected.Length)).Select(Text).Order());
    }

    [Fact]
    public async Task Takes_many_and_large_messages()
    {
        var broker = await _fixture.PubSubAsync("app");
        var consumer = new Consumer();
        await using var subscription = await broker.SubscribeAsync(consumer.Request(), default);
        var large = new string('x', 1024 * 1024);

        var errors = await broker.PublishManyAsync(Topic, [Message(large), Message("small")], default);

        Assert.Equal([null, null], errors);
        Assert.Equal([large.Length, 5], (await consumer.WaitAsync(2)).Select(message => message.Data.Length).OrderDescending());
    }

    [Fact]
    public async Task Loses_nothing_under_concurrent_publishers_and_consumers()
    {
        var brokers = new[] { await _fixture.PubSubAsync("app", 0), await _fixture.PubSubAsync("app", 1) };
        var consumers = new[] { new Consumer(), new Consumer() };
        await using var first = await brokers[0].SubscribeAsync(consumers[0].Request(), default);
        await using var second = await brokers[1].SubscribeAsync(consumers[1].Request(), default);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(publisher => Task.Run(async () =>
        {
            for (var i = 0; i < 250; i++)
            {
                await PublishAsync(brokers[publisher % 2], $"{publisher}:{i}");
            }
        })));

        var received = await Consumer.WaitAsync(consumers, 2000);
        Assert.Equal(2000, received.Select(Text).Distinct().Count());
    }

    [Fact]
    public async Task An_ephemeral_group_starts_at_the_end_and_every_instance_gets_everything()
    {
        const string metadata = "ephemeral=true;consumerID=";
        var brokers = new[] { await _fixture.PubSubAsync("app", 0, metadata + "a"), await _fixture.PubSubAsync("app", 1, metadata + "b") };
        await PublishAsync(brokers[0], "before");
        var consumers = new[] { new Consumer(), new Consumer() };
        await using var first = await brokers[0].SubscribeAsync(consumers[0].Request(), default);
        await using var second = await brokers[1].SubscribeAsync(consumers[1].Request(), default);

        await PublishAsync(brokers[0], "after");

        Assert.All([await consumers[0].WaitAsync(1), await consumers[1].WaitAsync(1)], received => Assert.Equal("after", Text(received[0])));
    }

    /// <summary>Lets time pass: that of the fixture's clock, or real time where the broker has its own.</summary>
    private Task PassAsync(TimeSpan time)
    {
        _fixture.Clock?.Advance(time);
        return _fixture.Clock is null ? Task.Delay(time) : Task.CompletedTask;
    }

    private void AssertAttempts(int[] expected, IEnumerable<IncomingMessage> received)
    {
        if (_fixture.CountsAttempts)
        {
            Assert.Equal(expected, received.Select(message => message.DeliveryAttempt));
        }
    }

    private static async Task PublishAsync(IPubSub broker, string text) => await broker.PublishAsync(Topic, Message(text), default);

    private static OutgoingMessage Message(string text, params (string Name, string Value)[] metadata) =>
        new(Encoding.UTF8.GetBytes(text), "text/plain", new ComponentMetadata(metadata.Select(pair => KeyValuePair.Create(pair.Name, pair.Value))));

    private static string Text(IncomingMessage message) => Encoding.UTF8.GetString(message.Data.Span);

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); seen < value; seen = Volatile.Read(ref target))
        {
            Interlocked.CompareExchange(ref target, value, seen);
        }
    }

    private sealed class Consumer
    {
        private readonly ConcurrentQueue<IncomingMessage> _received = new();
        private readonly SemaphoreSlim _arrived = new(0);

        public Func<IncomingMessage, Task> Handle { get; set; } = _ => Task.CompletedTask;

        public IReadOnlyCollection<IncomingMessage> Received => _received;

        public SubscriptionRequest Request() => new(Topic, ComponentMetadata.Empty, (message, _) =>
        {
            _received.Enqueue(message);
            _arrived.Release();
            return Handle(message);
        });

        public Task<List<IncomingMessage>> WaitAsync(int count) => WaitAsync([this], count);

        public static async Task<List<IncomingMessage>> WaitAsync(Consumer[] consumers, int count)
        {
            await Wait.UntilAsync(() => consumers.Sum(consumer => consumer._received.Count) >= count, consumers.Select(consumer => consumer._arrived));
            return [.. consumers.SelectMany(consumer => consumer._received)];
        }
    }
}
