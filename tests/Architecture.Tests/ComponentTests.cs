using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Architecture.Tests;

/// <summary>The component sets: the same names, scopes and guarantees in each.</summary>
public sealed partial class ComponentTests
{
    public static TheoryData<string> Sets => Catalogue.Sets;

    [Theory]
    [MemberData(nameof(Sets))]
    public void Has_the_names_and_scopes_of_the_local_set(string set)
    {
        var local = Components("components/local").ToDictionary(Name, Scopes);
        var these = Components(set).ToDictionary(Name, Scopes);
        Assert.Equal(local.Keys.Order(StringComparer.Ordinal), these.Keys.Order(StringComparer.Ordinal));
        Assert.All(these, pair => Assert.Equal(local[pair.Key], pair.Value));
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Every_component_has_a_constant_or_is_a_schedule_and_names_real_apps(string set) =>
        Assert.All(Components(set), component =>
        {
            Assert.True(
                Catalogue.ComponentNames.Contains(Name(component)) || Name(component) is "configuration" || Name(component).StartsWith("cron-", StringComparison.Ordinal),
                $"{set}: {Name(component)} has no constant in Contracts.Components");
            Assert.NotEmpty(Scopes(component));
            Assert.All(Scopes(component), scope => Assert.Contains(scope, Catalogue.AppIds));
            Assert.Equal("dapr.io/v1alpha1", component.TextAt("apiVersion"));
        });

    [Theory]
    [MemberData(nameof(Sets))]
    public void Every_schedule_has_a_handler_in_each_of_its_apps(string set) =>
        Assert.All(Components(set).Where(component => component.TextAt("spec", "type") == "bindings.cron"), component =>
            Assert.All(Scopes(component), app => Assert.True(
                Repository.Under($"apps/{app}", ".cs").Any(file => Repository.Read(file).Contains($"MapPost(\"/{Name(component)}\"", StringComparison.Ordinal)),
                $"{set}: {app} has no handler POST /{Name(component)}; its schedule would fire into nothing")));

    [Theory]
    [MemberData(nameof(Sets))]
    public void Metadata_is_known_complete_and_without_secrets(string set)
    {
        var components = Components(set).ToArray();
        Assert.Empty(components.SelectMany(component => MetadataTable.Problems(component, components)));
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Exactly_one_state_store_keeps_workflows(string set)
    {
        var stores = Components(set).Where(component => component.ListAt("spec", "metadata").Any(entry =>
            entry.TextAt("name") == "actorStateStore" && entry.TextAt("value") == "true"));
        Assert.Equal("statestore", Name(Assert.Single(stores)));
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Every_pubsub_component_retries_what_a_handler_refused(string set)
    {
        var resiliency = Yaml.Read($"{set}/resiliency.yaml").Single();
        Assert.All(Components(set).Where(IsPubSub), component =>
        {
            var policy = resiliency.TextAt("spec", "targets", "components", Name(component), "inbound", "retry");
            Assert.True(policy is not null, $"{set}/resiliency.yaml needs an inbound retry policy for {Name(component)}");
            Assert.NotNull(resiliency.At("spec", "policies", "retries", policy, "maxRetries"));
        });
    }

    /// <summary>The checks below read the source, so an app names component and topic by their constants where it uses them.</summary>
    [Fact]
    public void Every_use_of_a_topic_in_an_app_can_be_read()
    {
        var calls = (
            from file in Repository.Under("apps", ".cs")
            from Match call in TopicCall().Matches(Repository.Read(file))
            select (File: file, Text: Repository.Read(file)[(call.Index + 1)..])).ToArray();

        Assert.NotEmpty(calls);
        Assert.All(calls, call => Assert.True(
            TopicUse().Match(call.Text) is { Success: true, Index: 0 }, $"{call.File}: name component and topic by their constants: {call.Text.Split('\n')[0]}"));
    }

    [Fact]
    public void A_topic_lives_on_one_component()
    {
        var uses = TopicUses().ToArray();
        Assert.NotEmpty(uses);
        Assert.All(uses.GroupBy(use => use.Topic), topic => Assert.True(
            topic.Select(use => use.Component).Distinct().Count() == 1,
            $"{topic.Key} is used on {string.Join(" and ", topic.Select(use => $"{use.Component} ({use.File})"))}"));
    }

    [Fact]
    public void Who_publishes_or_subscribes_is_in_the_scopes_of_the_component()
    {
        var scopes = Components("components/local").ToDictionary(Name, Scopes);
        Assert.All(TopicUses().Where(use => use.File.StartsWith("apps/", StringComparison.Ordinal)), use =>
        {
            var component = (string)typeof(Contracts.Components).GetField(use.Component)!.GetRawConstantValue()!;
            Assert.True(
                scopes[component].Contains(use.File.Split('/')[1]), $"{use.File} uses {component}, but the app is not in that component's scopes");
        });
    }

    [Fact]
    public void Every_competing_subscription_has_a_dead_letter_topic()
    {
        var plain = TopicUses().Where(use => use is { Call: "WithTopic", Component: "PubSub" } && !use.Topic.EndsWith("-dead", StringComparison.Ordinal));
        Assert.All(plain, use => Assert.Fail($"{use.File}: subscribe to {use.Topic} with WithDeadLetteredTopic"));
    }

    [Fact]
    public void Every_dead_letter_topic_is_subscribed_by_its_app_and_by_no_other()
    {
        var parked = DeadLetters(WithDeadLetteredTopic()).ToArray();
        var handled = DeadLetters(MapDeadLetters()).Concat(TopicUses()
            .Where(use => use.Call == "WithTopic" && use.Topic.EndsWith("-dead", StringComparison.Ordinal))
            .Select(use => (App: use.File.Split('/')[1], use.Topic))).ToArray();

        Assert.NotEmpty(parked);
        Assert.Equal(parked.Order(), handled.Order());
        Assert.All(parked.GroupBy(letter => letter.Topic), topic => Assert.True(
            topic.Count() == 1, $"{string.Join(" and ", topic.Select(letter => letter.App))} share {topic.Key}: each names itself as consumer"));
    }

    /// <summary>Apps and the topics of the component <c>pubsub</c> they subscribe to, dead letters included, as the sources name them.</summary>
    internal static IEnumerable<(string App, string Topic)> CompetingSubscriptions() => TopicUses()
        .Where(use => use is { Call: "WithTopic" or "WithDeadLetteredTopic", Component: "PubSub" } && use.File.StartsWith("apps/", StringComparison.Ordinal))
        .Select(use => (App: use.File.Split('/')[1], use.Topic)).Concat(DeadLetters(MapDeadLetters())).Distinct();

    /// <summary>Apps and the dead-letter topics that a call names, one per consumer.</summary>
    private static IEnumerable<(string App, string Topic)> DeadLetters(Regex call) =>
        from file in Repository.Under("apps", ".cs")
        from Match match in call.Matches(Repository.Read(file))
        let consumer = match.Groups["consumer"]
        select (file.Split('/')[1], $"{match.Groups["topic"].Value}{(consumer.Success ? $"-{consumer.Value}" : "")}-dead");

    private static IEnumerable<(string File, string Call, string Component, string Topic)> TopicUses() =>
        from folder in new[] { "apps", "libs" }
        from file in Repository.Under(folder, ".cs")
        from Match match in TopicUse().Matches(Repository.Read(file))
        let topic = match.Groups["topic"].Value
        select (file, match.Groups["call"].Value, match.Groups["component"].Value,
            topic.StartsWith("$\"{", StringComparison.Ordinal) ? topic[3..].Replace("}", "", StringComparison.Ordinal).TrimEnd('"') : topic);

    private static IEnumerable<JsonObject> Components(string set) =>
        Repository.Under(set, ".yaml").SelectMany(Yaml.Read).Where(document => document.TextAt("kind") == "Component");

    private static string Name(JsonObject component) => component.TextAt("metadata", "name")!;

    private static string[] Scopes(JsonObject component) => [.. component.ListAt("scopes").Select(scope => (string)scope!).Order(StringComparer.Ordinal)];

    private static bool IsPubSub(JsonObject component) => component.TextAt("spec", "type")!.StartsWith("pubsub.", StringComparison.Ordinal);

    [GeneratedRegex(@"\.(PublishEventAsync|BulkPublishEventAsync|WithTopic|WithDeadLetteredTopic|MapDeadLetters)\b")]
    private static partial Regex TopicCall();

    [GeneratedRegex(@"(?<call>PublishEventAsync|BulkPublishEventAsync|WithTopic|WithDeadLetteredTopic|MapDeadLetters)\(\s*(Contracts\.)?Components\.(?<component>\w+),\s*(?<topic>\$?""[^""]*""|[\w.]+)")]
    private static partial Regex TopicUse();

    [GeneratedRegex(@"WithDeadLetteredTopic\(Components\.PubSub, (?<topic>[\w.]+)(, (?<consumer>[\w.]+))?\)")]
    private static partial Regex WithDeadLetteredTopic();

    [GeneratedRegex(@"MapDeadLetters\(Components\.PubSub, (?<topic>[\w.]+)(, (?<consumer>[\w.]+))?\)")]
    private static partial Regex MapDeadLetters();
}
