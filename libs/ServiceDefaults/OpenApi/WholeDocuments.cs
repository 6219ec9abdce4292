using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.OpenApi;

namespace ServiceDefaults.OpenApi;

/// <summary>What a document has once: title, ways to sign in, the shape of failures, and an example for every body that was given none.</summary>
internal sealed class WholeDocuments : IOpenApiDocumentTransformer
{
    /// <summary>Schema of failures.</summary>
    public const string Problem = "Problem";

    public const string Bearer = "bearer";
    public const string Cookie = "cookie";
    public const string ApiKey = "apiKey";

    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = $"Tandem {context.ApplicationServices.GetRequiredService<IHostEnvironment>().ApplicationName}",
            Version = "v1",
            Description = "Failures are problem+json (RFC 9457) with a stable `code`; unknown members may be added to any answer.",
        };
        // The address of whoever asked is of no use to others.
        document.Servers = [new OpenApiServer { Url = "/" }];
        document.Components ??= new OpenApiComponents();
        document.Components.Schemas ??= new Dictionary<string, IOpenApiSchema>();
        document.Components.Schemas[Problem] = ProblemSchema();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [Bearer] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = "Access token of a sign-in (RFC 6750)." },
            [Cookie] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Cookie, Name = "s_access",
                Description = "The access token of a signed-in browser; outside Development the name is __Host-s_access. Writes must come from our own pages.",
            },
            [ApiKey] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = "X-API-Key", Description = "Key of a machine client, limited by its scopes." },
        };
        foreach (var operation in document.Paths.Values.SelectMany(path => path.Operations?.Values ?? Enumerable.Empty<OpenApiOperation>()))
        {
            foreach (var media in (operation.RequestBody?.Content?.Values ?? Enumerable.Empty<OpenApiMediaType>()).Concat(
                operation.Responses?.Values.SelectMany(response => response.Content?.Values ?? Enumerable.Empty<OpenApiMediaType>()) ?? []))
            {
                if (media is { Example: null, Examples: null or { Count: 0 } } && media.Schema is { Format: not "binary" } schema)
                {
                    media.Example = Samples.Of(schema);
                }
            }
        }

        return Task.CompletedTask;
    }

    private static OpenApiSchema ProblemSchema() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "A failure (RFC 9457). Decide by `code`, which is stable.",
        Required = new HashSet<string> { "status", "code" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = new OpenApiSchema { Type = JsonSchemaType.String },
            ["title"] = new OpenApiSchema { Type = JsonSchemaType.String },
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "400", Maximum = "599" },
            ["detail"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "For people; may change." },
            ["code"] = new OpenApiSchema { Type = JsonSchemaType.String, Pattern = "^[A-Z][A-Z0-9_]*$" },
            ["traceId"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "Finds the request in logs and traces." },
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "VALIDATION_FAILED: what is wrong, by member.",
                AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Array, Items = new OpenApiSchema { Type = JsonSchemaType.String } },
            },
        },
    };
}
