using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Contracts;

namespace Architecture.Tests;

/// <summary>
/// The topology of components/rabbitmq: a queue for every subscription of every app, bound to its topic, so that what is published before a
/// consumer has ever been there waits for it.
/// </summary>
public sealed partial class TopologyTests
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
    private static string Constant(string topic) => Name().Replace(topic, name =>
        typeof(Apps).Assembly.GetTypes().Single(type => type.Name == name.Groups["type"].Value).GetField(name.Groups["member"].Value)?.GetRawConstantValue() as string
            ?? throw new InvalidOperationException($"{name.Value} is no constant of Contracts"));

    [GeneratedRegex(@"(?<type>\w+)\.(?<member>\w+)")]
    private static partial Regex Name();

    private static JsonNode[] Items(string kind) => [.. Topology.ListAt(kind)];
}
