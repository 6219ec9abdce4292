using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ModelServers.Google;

/// <summary>
/// generateContent and its neighbours, as the Gemini API (https://ai.google.dev/api) and Vertex AI
/// (https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest) both have them.
/// </summary>
public abstract class GoogleProtocol : IModelProtocol
{
    /// <summary>Models that the server has.</summary>
    public static IReadOnlyList<string> Models { get; } = ["gemini-3-pro-preview", "gemini-3-flash-preview", "gemini-3-pro-image", "gemini-embedding-001"];

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>Whether calls of tools have ids; a server without them refuses the field.</summary>
    public abstract bool HasCallIds { get; }

    /// <inheritdoc/>
    public Uri BaseUrl(Uri address) => address;

    /// <inheritdoc/>
    public abstract void Map(IEndpointRouteBuilder routes, ModelServer server);

    /// <summary>The credential of a request; a missing or wrong one is refused as the API does.</summary>
    internal abstract string KeyOf(HttpContext http);

    /// <summary><c>{"error":{"code","message","status","details":[{"@type",…}]}}</c>: google.rpc.Status in JSON.</summary>
    internal static (int Status, JsonNode Body) Error(StatusReply reply, string message)
    {
        var details = new JsonArray();
        if (reply.ErrorCode is { } reason)
        {
            details.Add(Detail("ErrorInfo", "reason", reason));
        }

        if (reply.Quota || (reply.Code == 429 && reply.ErrorCode is null))
        {
            var violation = new JsonObject
            {
                ["quotaMetric"] = "generativelanguage.googleapis.com/generate_requests",
                ["quotaId"] = $"GenerateRequestsPer{(reply.Quota ? "Day" : "Minute")}PerProjectPerModel",
                ["quotaValue"] = "20",
            };
            details.Add(Detail("QuotaFailure", "violations", new JsonArray(violation)));
        }

        if (reply.Quota || reply.RetryAfter is not null)
        {
            // Also for a quota of the day the API asks to wait for some seconds.
            var wait = reply.Quota ? TimeSpan.FromSeconds(36.43) : reply.RetryAfter!.Value;
            details.Add(Detail("RetryInfo", "retryDelay", FormattableString.Invariant($"{wait.TotalSeconds}s")));
        }

        var error = new JsonObject { ["code"] = reply.Code, ["message"] = message, ["status"] = StatusOf(reply.Code) };
        if (details.Count > 0)
        {
            error["details"] = details;
        }

        return (reply.Code, new JsonObject { ["error"] = error });
    }

    private static JsonObject Detail(string type, string field, JsonNode value) =>
        new() { ["@type"] = $"type.googleapis.com/google.rpc.{type}", [field] = value };

    private static string StatusOf(int code) => code switch
    {
        400 or 413 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        408 or 504 => "DEADLINE_EXCEEDED",
        500 => "INTERNAL",
        _ => "UNAVAILABLE",
    };
}
