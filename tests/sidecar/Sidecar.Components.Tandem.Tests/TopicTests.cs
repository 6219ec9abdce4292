using Sidecar.Abstractions;
using Sidecar.Components.Broker;
using Sidecar.Components.Keys;
using TestKit;

namespace Sidecar.Components.Tandem.Tests;

/// <summary>What a topic keeps and for whom.</summary>
public sealed class TopicTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void Keeps_a_bounded_history_of_what_everybody_has_acknowledged()
    {
        var topic = Create(new BrokerPolicy { RetainedMessages = 3 });
        topic.Group("a", ephemeral: false, 0);
        topic.Group("b", ephemeral: false, 0);
        Publish(topic, 10);

        Acknowledge(topic, "a", 1, 10);
        Assert.Equal(10, Kept(topic).Count);
        Acknowledge(topic, "b", 1, 8);

        Assert.Equal([6, 7, 8, 9, 10], Kept(topic));
        Assert.Equal(6, topic.First);
    }

    [Fact]
    public void A_message_that_is_stuck_does_not_hold_the_ones_after_it()
    {
        var topic = Create(new BrokerPolicy { RetainedMessages = 2 });
        topic.Group("a", ephemeral: false, 0);
        Publish(topic, 100);

        Acknowledge(topic, "a", 2, 100);
        Assert.Equal([1, 99, 100], Kept(topic));
        Acknowledge(topic, "a", 1, 1);

        Assert.Equal([99, 100], Kept(topic));
    }

    [Fact]
    public void Forgets_history_after_its_retention()
    {
        var topic = Create(new BrokerPolicy { Retention = TimeSpan.FromHours(1) });
        topic.Group("a", ephemeral: false, 0);
        Publish(topic, 3);
        Acknowledge(topic, "a", 1, 3);
        _clock.Advance(TimeSpan.FromHours(2));
        Publish(topic, 2);

        Assert.Equal([4, 5], Kept(topic));
    }

    [Fact]
    public void A_new_group_stops_the_release_of_what_it_has_not_seen()
    {
        var topic = Create(new BrokerPolicy { RetainedMessages = 5 });
        topic.Group("a", ephemeral: false, 0);
        Publish(topic, 10);
        Acknowledge(topic, "a", 1, 10);
        topic.Group("b", ephemeral: false, 0);
        Publish(topic, 10);
        Acknowledge(topic, "a", 11, 20);

        Assert.Equal(Enumerable.Range(6, 15).Select(i => (long)i), Kept(topic));
        Acknowledge(topic, "b", 6, 20);
        Assert.Equal([16, 17, 18, 19, 20], Kept(topic));
    }

    [Fact]
    public void What_is_acknowledged_behind_a_message_that_is_stuck_is_one_range()
    {
        var topic = Create(new BrokerPolicy());
        topic.Group("a", ephemeral: false, 0);
        Publish(topic, 10_000);

        foreach (var sequence in Enumerable.Range(2, 9_999).OrderBy(sequence => sequence % 7).ThenByDescending(sequence => sequence))
        {
            Acknowledge(topic, "a", sequence, sequence);
        }

        Assert.Equal([(2, 10_000)], Assert.Single(topic.Capture().Groups).AcknowledgedBeyond);
        Acknowledge(topic, "a", 1, 1);
        Assert.Equal(10_000, Assert.Single(topic.Capture().Groups).AcknowledgedThrough);
        Assert.Empty(Assert.Single(topic.Capture().Groups).AcknowledgedBeyond);
    }

    [Fact]
    public void The_bytes_of_a_backlog_go_with_their_acknowledgements()
    {
        var topic = Create(new BrokerPolicy { MaxBacklogBytes = 1 });
        topic.Group("a", ephemeral: false, 0);
        for (var round = 0; round < 3; round++)
        {
            topic.CheckBacklog();
            Publish(topic, 10);
            Assert.Throws<InvalidOperationException>(topic.CheckBacklog);
            Acknowledge(topic, "a", (round * 10) + 1, (round * 10) + 10);
        }

        topic.CheckBacklog();
    }

    [Fact]
    public void A_topic_without_lasting_groups_is_bounded()
    {
        var topic = Create(new BrokerPolicy());
        topic.Group("listener", ephemeral: true, 0);
        Publish(topic, BrokerPolicy.DefaultMaxLength + 50);

        Assert.Equal(BrokerPolicy.DefaultMaxLength, Kept(topic).Count);
        topic.CheckBacklog();
    }

    [Fact]
    public void An_ephemeral_component_keeps_nothing_that_nobody_waits_for()
    {
        var topic = Create(new BrokerPolicy { Ephemeral = true });
        Publish(topic, 5);
        Assert.Empty(Kept(topic));

        topic.Group("listener", ephemeral: true, 0);
        Publish(topic, 5);
        Assert.Equal([6, 7, 8, 9, 10], Kept(topic));
        Acknowledge(topic, "listener", 6, 10);
        Assert.Empty(Kept(topic));
    }

    [Fact]
    public void Agrees_with_a_simple_model_whatever_the_order_of_acknowledgements()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var topic = Create(new BrokerPolicy { RetainedMessages = random.Next(0, 5) });
            topic.Group("a", ephemeral: false, 0);
            topic.Group("b", ephemeral: false, 0);
            var open = new Dictionary<string, SortedSet<long>> { ["a"] = [], ["b"] = [] };
            for (var step = 0; step < 300; step++)
            {
                if (random.Next(3) == 0)
                {
                    foreach (var set in open.Values)
                    {
                        set.Add(topic.Next);
                    }

                    Publish(topic, 1);
                }
                else
                {
                    var (group, set) = open.ElementAt(random.Next(2));
                    if (set.Count > 0)
                    {
                        var sequence = set.ElementAt(random.Next(set.Count));
                        set.Remove(sequence);
                        Acknowledge(topic, group, sequence, sequence);
                    }
                }

                // Nothing needed is missing, and no more than the history is kept besides.
                var needed = open.Values.SelectMany(set => set).ToHashSet();
                var kept = Kept(topic);
                Assert.Subset(kept.ToHashSet(), needed);
                Assert.InRange(kept.Count - needed.Count, 0, topic.Broker.Policy.RetainedMessages);
            }
        }
    }

    [Fact]
    public void Ordered_keys_agree_with_a_sorted_set()
    {
        var random = new Random(7);
        var keys = new OrderedKeys();
        var expected = new SortedSet<string>(StringComparer.Ordinal);
        for (var step = 0; step < 20_000; step++)
        {
            var key = $"{(char)('a' + random.Next(4))}{random.Next(500)}";
            if (random.Next(3) == 0)
            {
                keys.Remove(key);
                expected.Remove(key);
            }
            else
            {
                keys.Add(key);
                expected.Add(key);
            }
        }

        Assert.Equal(expected, keys.StartingWith(""));
        Assert.Equal(expected.Where(key => key.StartsWith("b1", StringComparison.Ordinal)), keys.StartingWith("b1"));
        Assert.Empty(keys.StartingWith("z"));
    }

    private Topic Create(BrokerPolicy policy)
    {
        var broker = new MessageBroker("pubsub", _clock, journal: null);
        broker.Configure(policy);
        return broker.Topic("topic");
    }

    private void Publish(Topic topic, int count)
    {
        for (var i = 0; i < count; i++)
        {
            topic.Publish([TopicEntry.From(new OutgoingMessage(new byte[] { 1 }, null, ComponentMetadata.Empty), _clock.GetUtcNow().Ticks)]);
        }
    }

    private static void Acknowledge(Topic topic, string group, long first, long last)
    {
        for (var sequence = first; sequence <= last; sequence++)
        {
            topic.ReplayAcknowledged(group, sequence);
        }
    }

    private static List<long> Kept(Topic topic) => [.. topic.Capture().Entries.Select(entry => entry.Sequence)];
}
