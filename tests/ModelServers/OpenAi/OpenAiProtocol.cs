using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ModelServers.OpenAi;

/// <summary>OpenAI's API (openapi.yaml of openai/openai-openapi), or a server that is compatible with it and says less.</summary>
public sealed class OpenAiProtocol : IModelProtocol
{
    /// <summary>Models that the server has.</summary>
    public static readonly IReadOnlyList<string> Models = ["gpt-5.2", "gpt-5-mini", "gpt-image-1.5", "text-embedding-3-small"];

    /// <inheritdoc/>
    public string Name => "openai";

    /// <summary>
    /// Whether it is one of the compatible servers (Ollama, vLLM, llama.cpp) at their sparsest: no key, no usage, no ids, null and missing fields.
    /// Default false.
    /// </summary>
    public bool Compatible { get; init; }

    /// <summary>Whether it wants a key. Default true; a compatible server never does.</summary>
    public bool NeedsKey { get; init; } = true;

    /// <inheritdoc/>
    public Uri BaseUrl(Uri address) => new(address, "/v1");

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes, ModelServer server)
    {
        var chat = new ChatCompletions(this);
        routes.MapPost("/v1/chat/completions", http => server.HandleAsync(http, chat));
        var responses = new Responses(this);
        routes.MapPost("/v1/responses", http => server.HandleAsync(http, responses));
        var embeddings = new Embeddings(this);
        routes.MapPost("/v1/embeddings", http => server.HandleAsync(http, embeddings));
        var images = new Images(this);
        routes.MapPost("/v1/images/generations", http => server.HandleAsync(http, images));
        routes.MapPost("/v1/images/edits", http => server.HandleAsync(http, images));
        var models = new ModelList(this);
        routes.MapGet("/v1/models", http => server.HandleAsync(http, models));
    }

    /// <summary>The key of a request; a missing one is refused as the API does.</summary>
    internal string? KeyOf(HttpContext http)
    {
        const string Bearer = "Bearer ";
        var header = http.Request.Headers.Authorization.ToString();
        if (header.StartsWith(Bearer, StringComparison.Ordinal) && header.Length > Bearer.Length)
        {
            return header[Bearer.Length..];
        }

        return Compatible || !NeedsKey ? null : throw new WireException(401, "You didn't provide an API key.");
    }

    /// <summary><c>{"error":{"message","type","param","code"}}</c>.</summary>
    internal static (int Status, JsonNode Body) Error(StatusReply reply, string message)
    {
        var code = reply.Quota ? "insufficient_quota" : reply.ErrorCode ?? reply.Code switch
        {
            401 => "invalid_api_key",
            404 => "model_not_found",
            429 => "rate_limit_exceeded",
            _ => null,
        };
        var type = reply.Quota ? "insufficient_quota" : reply.Code switch
        {
            429 => "tokens",
            >= 500 => "server_error",
            _ => "invalid_request_error",
        };
        return (reply.Code, new JsonObject
        {
            ["error"] = new JsonObject { ["message"] = message, ["type"] = type, ["param"] = null, ["code"] = code },
        });
    }
}
