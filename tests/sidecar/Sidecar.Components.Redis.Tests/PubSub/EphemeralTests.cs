using Sidecar.Abstractions;
using Sidecar.Components.Redis.PubSub;
using Sidecar.Redis;

namespace Sidecar.Components.Redis.Tests.PubSub;

/// <summary>Groups for broadcast, whose names nobody uses again.</summary>
public sealed class EphemeralTests
{
    [Fact]
    public async Task A_group_begins_at_the_end_and_ends_with_its_subscription()
    {
        await using var broker = await Broker.SharedAsync();
        var component = await broker.ComponentAsync("ephemeral=true;consumerID=one");
        await broker.PublishAsync(component, "before");
        var consumer = new Consumer();
        var subscription = await broker.SubscribeAsync(component, consumer);

        await broker.PublishAsync(component, "after");

        Assert.Equal("after", Consumer.Text(Assert.Single(await consumer.WaitAsync(1))));
        Assert.Equal(["one"], await broker.NamesAsync("GROUPS"));
        await subscription.DisposeAsync();
        Assert.Empty(await broker.NamesAsync("GROUPS"));
    }

    [Fact]
    public async Task A_group_that_is_lost_goes_on_after_the_last_message_it_got()
    {
        await using var broker = await Broker.SharedAsync();
        var component = await broker.ComponentAsync("ephemeral=true;consumerID=one");
        var consumer = new Consumer();
        await broker.SubscribeAsync(component, consumer);
        await broker.PublishAsync(component, "1");
        await consumer.WaitAsync(1);

        await broker.Client.TransactionAsync(
        [
            RedisCommand.Of("XGROUP", "DESTROY", broker.Topic, "one"),
            RedisCommand.Of("XADD", broker.Topic, "*", "data", "2"),
        ]);
        await broker.PublishAsync(component, "3");

        await Consumer.UntilAsync(() => consumer.Received.Count == 3);
        Assert.Equal(["1", "2", "3"], consumer.Texts.Order());
    }

    [Fact]
    public async Task What_killed_processes_have_left_is_removed_and_nothing_else()
    {
        await using var broker = await Broker.SharedAsync();
        var component = await broker.ComponentAsync();
        await Abandon("dead", StreamGroup.EphemeralPrefix + "app-0-1");
        await Abandon("of-daprd", "of-daprd");
        await Abandon("app", StreamGroup.ConsumerPrefix + "app-0-1");
        await Abandon("other", StreamGroup.ConsumerPrefix + "other-0-1");
        await Abandon("app", "app");
        await broker.PublishAsync(component, "held");
        await broker.RunAsync("XREADGROUP", "GROUP", "app", StreamGroup.ConsumerPrefix + "holds", "STREAMS", broker.Topic, ">");
        await Abandon("caught-up", StreamGroup.EphemeralPrefix + "app-0-2");
        await broker.RunAsync("XGROUP", "SETID", broker.Topic, "caught-up", "$");
        var group = new StreamGroup(broker.Client, PubSubOptions.Parse(ComponentMetadata.Empty, "app"), broker.Topic, "me");

        await group.CleanAsync(TimeSpan.FromHours(1), default);
        Assert.Equal(["app", "caught-up", "dead", "of-daprd", "other"], (await broker.NamesAsync("GROUPS")).Order());

        await Task.Delay(20);
        await group.CleanAsync(TimeSpan.FromMilliseconds(10), default);

        Assert.Equal(["app", "caught-up", "of-daprd", "other"], (await broker.NamesAsync("GROUPS")).Order());
        Assert.Equal(["app", StreamGroup.ConsumerPrefix + "holds"], (await broker.NamesAsync("CONSUMERS", "app")).Order());
        Assert.Equal([StreamGroup.ConsumerPrefix + "other-0-1"], await broker.NamesAsync("CONSUMERS", "other"));

        async Task Abandon(string group, string consumer)
        {
            var made = await broker.Client.ExecuteManyAsync([RedisCommand.Of("XGROUP", "CREATE", broker.Topic, group, "0", "MKSTREAM")]);
            Assert.True(!made[0].IsError || made[0].ToException().Code == "BUSYGROUP");
            await broker.RunAsync("XGROUP", "CREATECONSUMER", broker.Topic, group, consumer);
        }
    }
}
