using System.Diagnostics;
using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis.Tests.PubSub;

/// <summary>A server that dies, hangs, is full or loses what it had, and connections that break.</summary>
public sealed class FaultTests
{
    private const int Messages = 2000;

    [Fact]
    public async Task A_server_that_is_killed_loses_nothing_that_it_had_accepted()
    {
        await using var broker = await Broker.NewAsync();
        var consumers = await SubscribeTwoAsync(broker);
        var publishing = PublishAsync(broker);

        for (var round = 1; round <= 3; round++)
        {
            var enough = round * Messages / 5;
            await Consumer.UntilAsync(() => consumers.Sum(consumer => consumer.Received.Count) > enough);
            await broker.Server.KillAsync();
            await broker.Server.StartAsync();
        }

        await AssertHandledAsync(broker, await publishing, consumers);
    }

    [Fact]
    public async Task Connections_that_break_while_they_read_and_acknowledge_lose_nothing_and_hold_nothing_up()
    {
        await using var broker = await Broker.NewAsync();
        var consumers = await SubscribeTwoAsync(broker);
        var publishing = PublishAsync(broker);

        while (!publishing.IsCompleted)
        {
            await broker.RunAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
            await broker.RunAsync("CLIENT", "KILL", "TYPE", "pubsub");
            await Task.WhenAny(publishing, Task.Delay(100));
        }

        // Long before processingTimeout, 60 s, gives back what a lost reply had held.
        var began = Stopwatch.GetTimestamp();
        await AssertHandledAsync(broker, await publishing, consumers);
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_server_that_hangs_fails_a_publish_in_time_and_a_subscription_goes_on_after_it()
    {
        await using var broker = await Broker.NewAsync();
        var component = await broker.ComponentAsync("readTimeout=5s");
        var consumer = new Consumer();
        await broker.SubscribeAsync(component, consumer);
        await broker.PublishAsync(component, "before");
        await consumer.WaitAsync(1);

        await broker.Server.PauseAsync();
        try
        {
            var began = Stopwatch.GetTimestamp();
            var failure = await Assert.ThrowsAsync<RedisConnectionException>(async () => await broker.PublishAsync(component, "during"));
            Assert.Contains(broker.Address, failure.Message, StringComparison.Ordinal);
            Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(15));
        }
        finally
        {
            broker.Server.Resume();
        }

        await Consumer.UntilAsync(async () =>
        {
            try
            {
                await broker.PublishAsync(component, "after");
                return true;
            }
            catch (RedisConnectionException)
            {
                return false;
            }
        });
        await Consumer.UntilAsync(() => consumer.Texts.Contains("after"));
    }

    [Fact]
    public async Task A_subscription_ends_although_the_server_hangs()
    {
        await using var broker = await Broker.NewAsync();
        var component = await broker.ComponentAsync("readTimeout=5s");
        var subscription = await component.SubscribeAsync(new Consumer().Request(broker.Topic), default);

        await broker.Server.PauseAsync();
        try
        {
            await subscription.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        }
        finally
        {
            broker.Server.Resume();
        }
    }

    [Fact]
    public async Task A_subscription_that_waits_at_the_server_ends_at_once()
    {
        // A server without a log: the time of a disk is not measured.
        await using var broker = await Broker.NewAsync("--appendonly", "no");
        var component = await broker.ComponentAsync();
        var subscriptions = await Task.WhenAll(
            Enumerable.Range(0, 10).Select(i => component.SubscribeAsync(new Consumer().Request($"{broker.Topic}-{i}"), default)));

        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(subscriptions.Select(subscription => subscription.DisposeAsync().AsTask()));

        // It would wait for more than 3 s.
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Theory]
    [InlineData("DEL")]
    [InlineData("XGROUP")]
    [InlineData("FLUSHALL")]
    public async Task A_stream_or_group_that_is_removed_is_made_again(string command)
    {
        await using var broker = await Broker.NewAsync();
        var component = await broker.ComponentAsync();
        var consumer = new Consumer();
        await broker.SubscribeAsync(component, consumer);
        await broker.PublishAsync(component, "before");
        await consumer.WaitAsync(1);
        await Consumer.UntilAsync(async () => await broker.PendingAsync() == 0);

        await (command switch
        {
            "DEL" => broker.RunAsync("DEL", broker.Topic),
            "XGROUP" => broker.RunAsync("XGROUP", "DESTROY", broker.Topic, "app"),
            _ => broker.RunAsync("FLUSHALL"),
        });
        await broker.PublishAsync(component, "after");

        await Consumer.UntilAsync(() => consumer.Texts.Contains("after"));
        Assert.Contains(broker.Logs.Lines, line => line.Contains("was removed and is made again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_key_of_another_type_is_named()
    {
        await using var broker = await Broker.SharedAsync();
        await broker.RunAsync("SET", broker.Topic, "text");
        var component = await broker.ComponentAsync();

        var expected = $"component 'pubsub' (pubsub.redis), topic '{broker.Topic}': the key '{broker.Topic}' of database 0 of the Redis server "
            + $"{broker.Address} is not a stream: remove or rename it, or use another 'redisDB'";
        Assert.Equal(expected, (await Assert.ThrowsAsync<ComponentException>(async () => await broker.PublishAsync(component, "message"))).Message);
        Assert.Equal(expected, (await Assert.ThrowsAsync<ComponentException>(() => broker.SubscribeAsync(component, new Consumer()))).Message);
        var outcomes = await component.PublishManyAsync(broker.Topic, [Broker.Message("1"), Broker.Message("2")], default);
        Assert.All(outcomes, outcome => Assert.Equal(expected, outcome?.Message));
    }

    [Fact]
    public async Task A_server_that_is_full_refuses_a_publish_hands_out_what_it_has_and_takes_more_when_there_is_room()
    {
        await using var broker = await Broker.NewAsync("--maxmemory", "8mb");
        var component = await broker.ComponentAsync();
        await (await component.SubscribeAsync(new Consumer().Request(broker.Topic), default)).DisposeAsync();
        var text = new string('x', 100_000);
        var accepted = 0;
        async Task FillAsync()
        {
            for (; ; accepted++)
            {
                await broker.PublishAsync(component, text);
            }
        }

        var failure = await Assert.ThrowsAsync<ComponentException>(FillAsync);
        Assert.Contains($"the Redis server {broker.Address} has reached its maxmemory and takes no messages", failure.Message, StringComparison.Ordinal);

        var consumer = new Consumer();
        await broker.SubscribeAsync(component, consumer);
        await consumer.WaitAsync(accepted);
        await Consumer.UntilAsync(async () => await broker.PendingAsync() == 0);
        await broker.RunAsync("XTRIM", broker.Topic, "MAXLEN", 0);
        await broker.PublishAsync(component, "room");
        await Consumer.UntilAsync(() => consumer.Texts.Contains("room"));
    }

    [Fact]
    public async Task A_message_published_before_there_was_any_consumer_is_handled()
    {
        await using var broker = await Broker.NewAsync();
        var component = await broker.ComponentAsync();
        await broker.PublishAsync(component, "first of all");
        var consumer = new Consumer();

        await broker.SubscribeAsync(component, consumer);

        Assert.Equal("first of all", Consumer.Text(Assert.Single(await consumer.WaitAsync(1))));
    }

    private static async Task<Consumer[]> SubscribeTwoAsync(Broker broker)
    {
        var consumers = new[] { new Consumer(), new Consumer() };
        foreach (var (index, consumer) in consumers.Index())
        {
            await broker.SubscribeAsync(await broker.ComponentAsync(instance: index), consumer);
        }

        return consumers;
    }

    /// <summary>Publishes from several at a time, again what failed; returns what the broker accepted.</summary>
    private static async Task<IReadOnlySet<string>> PublishAsync(Broker broker)
    {
        const int Publishers = 8;
        var component = await broker.ComponentAsync();
        var accepted = await Task.WhenAll(Enumerable.Range(0, Publishers).Select(publisher => Task.Run(async () =>
        {
            var texts = new List<string>();
            for (var i = 0; i < Messages / Publishers;)
            {
                try
                {
                    await broker.PublishAsync(component, $"{publisher}:{i}");
                    texts.Add($"{publisher}:{i++}");
                }
                catch (RedisConnectionException)
                {
                    await Task.Delay(20);
                }
            }

            return texts;
        })));
        return accepted.SelectMany(texts => texts).ToHashSet();
    }

    private static async Task AssertHandledAsync(Broker broker, IReadOnlySet<string> accepted, Consumer[] consumers)
    {
        Assert.Equal(Messages, accepted.Count);
        await Consumer.UntilAsync(() => accepted.IsSubsetOf(consumers.SelectMany(consumer => consumer.Texts)));
        await Consumer.UntilAsync(async () => await broker.PendingAsync() == 0);
        TestContext.Current.TestOutputHelper?.WriteLine($"{consumers.Sum(consumer => consumer.Received.Count)} deliveries");
    }
}
