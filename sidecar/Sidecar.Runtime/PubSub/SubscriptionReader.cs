using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sidecar.Runtime.App;
using Sidecar.Runtime.Loading;

namespace Sidecar.Runtime.PubSub;

/// <summary>Asks the app for its subscriptions: <c>GET /dapr/subscribe</c> (dapr-http §3.1).</summary>
public static partial class SubscriptionReader
{
    private const int Tries = 5;
    private static readonly TimeSpan TryDelay = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// The app's list; empty for 404 and for answers that cannot be read, which are logged. Throws <see cref="TimeoutException"/> when
    /// the app does not answer within <see cref="AppTimeouts.Subscribe"/>.
    /// </summary>
    public static async Task<IReadOnlyList<SubscriptionManifest>> ReadAsync(AppInstance app, ILogger logger, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(app.Channel.Address, "/dapr/subscribe"));
            request.Headers.TryAddWithoutValidation("dapr-app-id", app.Instance.AppId);
            using var deadline = new CancellationTokenSource(app.Timeouts.Subscribe, app.Time);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
            try
            {
                using var response = await app.Channel.SendAsync(request, limit.Token);
                if (response.StatusCode == HttpStatusCode.NotFound)
                {
                    return [];
                }

                if (response.IsSuccessStatusCode)
                {
                    return Parse(await app.Channel.ReadAsync(response, limit.Token), app.Instance.AppId, logger);
                }

                // An app that is still starting answers 5xx for a moment.
                if (attempt == Tries || (int)response.StatusCode < 500)
                {
                    LogUnreadable(logger, app.Instance.AppId, $"status {(int)response.StatusCode}");
                    return [];
                }
            }
            catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException($"no answer to GET /dapr/subscribe within {app.Timeouts.Subscribe}", exception);
            }

            // Real time: an app that is slow to start is no matter of the injected clock.
            await Task.Delay(TryDelay * attempt, cancellationToken);
        }
    }

    private static IReadOnlyList<SubscriptionManifest> Parse(byte[] body, string appId, ILogger logger)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Array
                ? [.. document.RootElement.EnumerateArray().Select(ToManifest).OfType<SubscriptionManifest>()]
                : [];
        }
        catch (JsonException exception)
        {
            LogUnreadable(logger, appId, exception.Message);
            return [];
        }
    }

    private static SubscriptionManifest? ToManifest(JsonElement element)
    {
        var rules = new List<RouteRule>();
        if (Member(element, "routes") is { ValueKind: JsonValueKind.Object } routes)
        {
            if (Member(routes, "rules") is { ValueKind: JsonValueKind.Array } list)
            {
                rules.AddRange(list.EnumerateArray().Select(rule => new RouteRule(Text(rule, "match"), Text(rule, "path") ?? "")));
            }

            if (Text(routes, "default") is { Length: > 0 } fallback)
            {
                rules.Add(new RouteRule(null, fallback));
            }
        }

        if (Text(element, "route") is { Length: > 0 } route)
        {
            rules.Add(new RouteRule(null, route));
        }

        if (Text(element, "pubsubname") is not { } name || Text(element, "topic") is not { } topic || rules.Count == 0)
        {
            return null;
        }

        var bulk = Member(element, "bulkSubscribe");
        return new SubscriptionManifest
        {
            PubSubName = name,
            Topic = topic,
            Rules = rules,
            DeadLetterTopic = Text(element, "deadLetterTopic") is { Length: > 0 } dead ? dead : null,
            Metadata = Member(element, "metadata") is { ValueKind: JsonValueKind.Object } metadata
                ? metadata.EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.ToString())
                : new Dictionary<string, string>(),
            Bulk = bulk is { ValueKind: JsonValueKind.Object } settings && Member(settings, "enabled") is { ValueKind: JsonValueKind.True }
                ? new BulkSubscribe(Number(settings, "maxMessagesCount", 100), TimeSpan.FromMilliseconds(Number(settings, "maxAwaitDurationMs", 1000)))
                : null,
        };
    }

    /// <summary>Names compare without case: SDKs write pubsubName and pubsubname.</summary>
    private static JsonElement? Member(JsonElement element, string name) =>
        element.EnumerateObject().FirstOrDefault(member => member.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { Value.ValueKind: not JsonValueKind.Undefined } found
            ? found.Value
            : null;

    private static string? Text(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private static int Number(JsonElement element, string name, int defaultValue) =>
        Member(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number) && number > 0 ? number : defaultValue;

    [LoggerMessage(3001, LogLevel.Warning, "App {AppId}: its subscriptions could not be read ({Problem}); it gets no messages")]
    private static partial void LogUnreadable(ILogger logger, string appId, string problem);
}
