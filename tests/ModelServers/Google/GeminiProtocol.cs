using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ModelServers.Google;

/// <summary>The Gemini API, v1beta, with an API key in the header x-goog-api-key.</summary>
public sealed class GeminiProtocol : GoogleProtocol
{
    /// <inheritdoc/>
    public override string Name => "gemini";

    /// <inheritdoc/>
    public override bool HasCallIds => true;

    /// <inheritdoc/>
    public override void Map(IEndpointRouteBuilder routes, ModelServer server)
    {
        const string Model = "/v1beta/models/{model}";
        var content = new GenerateContent(this);
        var embeddings = new BatchEmbedContents(this);
        var models = new GoogleModelList(this, "models", "models/");
        routes.MapPost(Model + ":generateContent", http => server.HandleAsync(http, content));
        routes.MapPost(Model + ":streamGenerateContent", http => server.HandleAsync(http, content));
        routes.MapPost(Model + ":batchEmbedContents", http => server.HandleAsync(http, embeddings));
        routes.MapGet("/v1beta/models", http => server.HandleAsync(http, models));
    }

    internal override string KeyOf(HttpContext http) =>
        http.Request.Headers["x-goog-api-key"].ToString() is { Length: > 0 } key
            ? key
            : throw new WireException(403, "Method doesn't allow unregistered callers. Please use API Key or other form of API consumer identity.");
}
