using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Contracts;
using Dapr;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace ServiceDefaults.OpenApi;

/// <summary>The document of this process, for who cannot ask for it by its address.</summary>
public static class OwnDocument
{
    /// <summary>Example of a failure.</summary>
    public static JsonObject Problem(int status, string code) => OperationDocuments.Problem(status, code);

    /// <summary>The document as JSON.</summary>
    public static async Task<JsonObject> GetAsync(IServiceProvider services, CancellationToken cancellationToken = default)
    {
        var document = await services.GetRequiredKeyedService<IOpenApiDocumentProvider>(OpenApiDocuments.Name).GetOpenApiDocumentAsync(cancellationToken);
        return JsonNode.Parse(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, cancellationToken))!.AsObject();
    }
}

/// <summary>
/// The OpenAPI 3.1 document of an app, <c>GET /openapi/v1.json</c>: the routes that clients reach, through the gateway or by address. The gateway
/// asks for it and merges all of them.
/// </summary>
internal static class OpenApiDocuments
{
    /// <summary>Name of the document.</summary>
    public const string Name = "v1";

    private static readonly string[] Health = ["healthz", "healthz/live", "healthz/ready", "healthz/startup", "health", "ready", "metrics"];

    public static void AddOpenApiDocument(this IServiceCollection services) => services.AddOpenApi(Name, options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.ShouldInclude = IsForClients;
        options.CreateSchemaReferenceId = SchemaId;
        options.AddSchemaTransformer<SchemaDocuments>();
        options.AddOperationTransformer<OperationDocuments>();
        options.AddDocumentTransformer<WholeDocuments>();
    });

    /// <summary>For the gateway alone: it hides what its route table does not lead to.</summary>
    public static void MapOpenApiDocument(this IEndpointRouteBuilder routes) =>
        routes.MapOpenApi("/openapi/{documentName}.json").RequireCaller(Apps.Gateway);

    /// <summary>Not for clients: health, what answers to other apps only, and what the sidecar calls.</summary>
    private static bool IsForClients(ApiDescription description)
    {
        var metadata = description.ActionDescriptor.EndpointMetadata;
        return !Health.Contains(description.RelativePath?.Trim('/'))
            && description.RelativePath?.StartsWith("internal/", StringComparison.Ordinal) != true
            && !metadata.OfType<ITopicMetadata>().Any()
            && !metadata.OfType<AllowedCallers>().Any(allowed => !allowed.AppIds.Contains(Apps.Gateway));
    }

    /// <summary>Bodies that a feature nests are named after it.</summary>
    private static string? SchemaId(JsonTypeInfo type) =>
        OpenApiOptions.CreateDefaultSchemaReferenceId(type) is { } id
            ? type.Type is { DeclaringType: { } feature, IsGenericType: false } ? $"{feature.Name}{id}" : id
            : null;
}
