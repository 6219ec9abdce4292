using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ModelServers.Google;

/// <summary>Vertex AI, v1, with tokens that its own token endpoints gave out; see <see cref="GoogleTokens"/>.</summary>
public sealed class VertexProtocol(TimeProvider? time = null) : GoogleProtocol
{
    /// <inheritdoc/>
    public override string Name => "vertex";

    /// <inheritdoc/>
    public override bool HasCallIds => false;

    /// <summary>The token endpoints.</summary>
    public GoogleTokens Tokens { get; } = new(time ?? TimeProvider.System);

    /// <inheritdoc/>
    public override void Map(IEndpointRouteBuilder routes, ModelServer server)
    {
        const string Model = "/v1beta1/projects/{project}/locations/{location}/publishers/google/models/{model}";
        var content = new GenerateContent(this);
        var predict = new PredictEmbeddings(this);
        var embed = new EmbedContent(this);
        var models = new GoogleModelList(this, "publisherModels", "publishers/google/models/");
        routes.MapPost(Model + ":generateContent", http => server.HandleAsync(http, content));
        routes.MapPost(Model + ":streamGenerateContent", http => server.HandleAsync(http, content));
        routes.MapPost(Model + ":predict", http => server.HandleAsync(http, predict));
        routes.MapPost(Model + ":embedContent", http => server.HandleAsync(http, embed));
        routes.MapGet("/v1beta1/publishers/google/models", http => server.HandleAsync(http, models));
        Tokens.Map(routes);
    }

    internal override string KeyOf(HttpContext http)
    {
        const string Bearer = "Bearer ";
        var header = http.Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Bearer, StringComparison.Ordinal) || !Tokens.Accepts(header[Bearer.Length..]))
        {
            throw new WireException(401, "Request had invalid authentication credentials.", "ACCESS_TOKEN_TYPE_UNSUPPORTED");
        }

        return http.Request.RouteValues["project"] is string project && project != GoogleTokens.Project
            ? throw new WireException(403, "Permission 'aiplatform.endpoints.predict' denied", "IAM_PERMISSION_DENIED")
            : header[Bearer.Length..];
    }
}
