using System.Text.Json;
using System.Text.Json.Serialization;
using Dapr;
using Dapr.AspNetCore;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The endpoint that tells the sidecar which topics the app handles.</summary>
public static class DaprEndpointRouteBuilderExtensions
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Maps <c>GET /dapr/subscribe</c>.</summary>
    public static IEndpointConventionBuilder MapSubscribeHandler(this IEndpointRouteBuilder endpoints) => endpoints.MapSubscribeHandler(null!);

    /// <summary>Maps <c>GET /dapr/subscribe</c> (dapr-sdk §5): grouped by component and topic, rules by priority, routes without leading slash.</summary>
    public static IEndpointConventionBuilder MapSubscribeHandler(this IEndpointRouteBuilder endpoints, SubscribeOptions options) =>
        endpoints.MapGet("dapr/subscribe", (HttpContext http) =>
        {
            // The endpoints that routing uses: those of endpoints.DataSources are compiled anew whenever they are read.
            var routed = http.RequestServices.GetRequiredService<EndpointDataSource>().Endpoints;
            var subscriptions = Collect(routed.OfType<RouteEndpoint>(), options?.EnableRawPayload == true);
            return JsonSerializer.SerializeAsync(http.Response.Body, subscriptions, Json, http.RequestAborted);
        });

    private static IEnumerable<Subscription> Collect(IEnumerable<RouteEndpoint> endpoints, bool raw) => endpoints
        .SelectMany(endpoint => endpoint.Metadata.GetOrderedMetadata<ITopicMetadata>().Select(topic => (Endpoint: endpoint, Topic: topic)))
        .GroupBy(entry => (entry.Topic.PubsubName, entry.Topic.Name))
        .OrderBy(group => group.Key.PubsubName, StringComparer.Ordinal).ThenBy(group => group.Key.Name, StringComparer.Ordinal)
        .Select(group => ToSubscription(group.Key.PubsubName, group.Key.Name, [.. group.OrderBy(entry => entry.Topic.Priority)], raw));

    private static Subscription ToSubscription(string pubSubName, string topic, IReadOnlyList<(RouteEndpoint Endpoint, ITopicMetadata Topic)> entries, bool raw)
    {
        var rules = entries.Where(entry => !string.IsNullOrEmpty(entry.Topic.Match)).Select(entry => new Rule(entry.Topic.Match!, Route(entry.Endpoint))).ToList();
        var fallback = entries.Where(entry => string.IsNullOrEmpty(entry.Topic.Match)).Select(entry => Route(entry.Endpoint)).FirstOrDefault();
        var separator = entries.Select(entry => (entry.Topic as IOwnedOriginalTopicMetadata)?.MetadataSeparator).FirstOrDefault(text => !string.IsNullOrEmpty(text)) ?? ",";
        var metadata = entries
            .SelectMany(entry => entry.Endpoint.Metadata.GetOrderedMetadata<IOriginalTopicMetadata>()
                .Where(value => string.IsNullOrEmpty(value.Id) || (entry.Topic as IOwnedOriginalTopicMetadata)?.OwnedMetadatas?.Contains(value.Id) == true))
            .GroupBy(value => value.Name)
            .ToDictionary(group => group.Key, group => string.Join(separator, group.Select(value => value.Value).Distinct()));
        if (raw || entries.Any(entry => entry.Topic is IRawTopicMetadata { EnableRawPayload: true }))
        {
            metadata["rawPayload"] = "true";
        }

        var bulk = entries.SelectMany(entry => entry.Endpoint.Metadata.GetOrderedMetadata<IBulkSubscribeMetadata>()).FirstOrDefault(setting => setting.TopicName == topic);
        return new Subscription(
            topic, pubSubName,
            rules.Count == 0 ? fallback : null,
            rules.Count == 0 ? null : new Routes(rules, fallback),
            metadata.Count == 0 ? null : metadata,
            entries.Select(entry => (entry.Topic as IDeadLetterTopicMetadata)?.DeadLetterTopic).FirstOrDefault(name => !string.IsNullOrEmpty(name)),
            bulk is null ? null : new Bulk(true, bulk.MaxMessagesCount, bulk.MaxAwaitDurationMs));
    }

    private static string Route(RouteEndpoint endpoint) => string.Join('/', endpoint.RoutePattern.PathSegments
        .Select(segment => string.Concat(segment.Parts.Cast<RoutePatternLiteralPart>().Select(part => part.Content))));

    private sealed record Rule(string Match, string Path);

    private sealed record Routes(IReadOnlyList<Rule> Rules, string? Default);

    private sealed record Bulk(bool Enabled, int MaxMessagesCount, int MaxAwaitDurationMs);

    private sealed record Subscription(
        string Topic, string PubsubName, string? Route, Routes? Routes, IReadOnlyDictionary<string, string>? Metadata, string? DeadLetterTopic, Bulk? BulkSubscribe);
}
