using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ModelServers.Anthropic;

/// <summary>Anthropic's Messages API (API reference, versions 2023-06-01 and 2026-10-21).</summary>
public sealed class AnthropicProtocol : IModelProtocol
{
    /// <summary>The version that took the sampling parameters away.</summary>
    internal const string CurrentVersion = "2026-10-21";

    private static readonly string[] Versions = ["2023-06-01", CurrentVersion];

    /// <summary>Models that the server lists.</summary>
    public static IReadOnlyList<string> Models { get; } = ["claude-opus-5", "claude-sonnet-5", "claude-haiku-5"];

    /// <inheritdoc/>
    public string Name => "anthropic";

    /// <inheritdoc/>
    public Uri BaseUrl(Uri address) => address;

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes, ModelServer server)
    {
        var messages = new Messages(this);
        var models = new ModelList(this);
        routes.MapPost("/v1/messages", http => server.HandleAsync(http, messages));
        routes.MapGet("/v1/models", http => server.HandleAsync(http, models));
    }

    /// <summary>The key and the version of a request, which are refused as the API does when they are missing. A key may come in either header.</summary>
    internal static (string Key, string Version) CredentialsOf(HttpContext http)
    {
        const string Bearer = "Bearer ";
        var headers = http.Request.Headers;
        var authorization = headers.Authorization.ToString();
        var key = headers["x-api-key"] is [{ Length: > 0 } given] ? given
            : authorization.StartsWith(Bearer, StringComparison.Ordinal) ? authorization[Bearer.Length..]
            : "";
        if (key.Length == 0)
        {
            throw new WireException(401, "x-api-key header is required");
        }

        var version = headers["anthropic-version"].ToString();
        return Versions.Contains(version) ? (key, version) : throw new WireException(400, "anthropic-version: header is required");
    }

    /// <summary><c>{"type":"error","error":{"type","message","details"},"request_id"}</c>.</summary>
    internal static (int Status, JsonNode Body) Error(StatusReply reply, string message)
    {
        var error = new JsonObject { ["type"] = TypeOf(reply), ["message"] = message };
        if (reply.Quota)
        {
            error["details"] = new JsonObject { ["error_code"] = "enforced_spend_limit_reached" };
        }

        return (reply.Code, new JsonObject { ["type"] = "error", ["error"] = error, ["request_id"] = "req_1" });
    }

    private static string TypeOf(StatusReply reply) => reply.ErrorCode ?? reply.Code switch
    {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };
}
