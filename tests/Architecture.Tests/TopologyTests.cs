using System.Text.Json;
using System.Text.Json.Nodes;
using Contracts;
using Contracts.Scan;

namespace Architecture.Tests;

/// <summary>
/// The topology of components/rabbitmq: a queue for every subscription of every app, bound to its topic, so that what is published before a
/// consumer has ever been there waits for it.
/// </summary>
public sealed class TopologyTests
{
    private static readonly JsonNode Topology = JsonNode.Parse(Repository.Read("components/rabbitmq/topology.json"))!;

    [Fact]
    public void Every_subscription_has_its_durable_quorum_queue_bound_to_its_topic()
    {
        var expected = ComponentTests.CompetingSubscriptions().Select(subscription => (
            Topic: Constant(subscription.Topic), Queue: $"{subscription.App}-{Constant(subscription.Topic)}")).Order().ToArray();

        Assert.NotEmpty(expected);
        Assert.Equal(expected, Items("bindings").Select(binding => (Topic: binding.TextAt("source")!, Queue: binding.TextAt("destination")!)).Order());
        Assert.Equal(expected.Select(pair => pair.Queue).Order(), Items("queues").Select(queue => queue.TextAt("name")!).Order());
        Assert.Equal(expected.Select(pair => pair.Topic).Distinct().Order(), Items("exchanges").Select(exchange => exchange.TextAt("name")!).Order());
        Assert.All(Items("queues"), queue => Assert.Equal("quorum", queue.TextAt("arguments", "x-queue-type")));
        Assert.All(Items("queues").Concat(Items("exchanges")), item =>
        {
            Assert.Equal(JsonValueKind.True, item.At("durable")!.GetValueKind());
            Assert.Equal(JsonValueKind.False, item.At("auto_delete")!.GetValueKind());
        });
    }

    /// <summary><c>ScanTopics.ScanRequested-dead</c> as its text.</summary>
    private static string Constant(string topic) =>
        topic.Replace("ScanTopics.ScanRequested", ScanTopics.ScanRequested, StringComparison.Ordinal)
            .Replace("ScanTopics.ScanRewarded", ScanTopics.ScanRewarded, StringComparison.Ordinal)
            .Replace("-Apps.Users-", $"-{Apps.Users}-", StringComparison.Ordinal).Replace("-Apps.Characters-", $"-{Apps.Characters}-", StringComparison.Ordinal);

    private static JsonNode[] Items(string kind) => [.. Topology.ListAt(kind)];
}
