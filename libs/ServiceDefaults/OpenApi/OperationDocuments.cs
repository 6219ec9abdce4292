using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;

namespace ServiceDefaults.OpenApi;

/// <summary>An operation: its words from doc comments, every failure with its codes, what <see cref="RouteDocuments"/> adds.</summary>
internal sealed partial class OperationDocuments : IOpenApiOperationTransformer
{
    private const int MaxSummary = 120;

    private static readonly string[] TokenCodes = ["UNAUTHORIZED", "INVALID_TOKEN", "TOKEN_EXPIRED", "TOKEN_REVOKED"];

    private static readonly Dictionary<string, string> Parameters = new(StringComparer.OrdinalIgnoreCase)
    {
        ["jobId"] = "Id of the job.",
        ["channel"] = "What the picture is for: scan, chat, character …",
        ["name"] = "Name of it.",
        ["id"] = "Id of it, as the list says.",
        ["userId"] = "Id of the user.",
        ["offset"] = "How many to skip.",
        ["provider"] = "google, kakao or naver.",
        ["state"] = "Ties the answer to this browser; made here when left out.",
        ["code"] = "Code of the character.",
        ["cursor"] = "`next_cursor` of the page before.",
        ["file"] = "Name of the picture, as its key says.",
        ["limit"] = "How many at most.",
        ["after"] = "Number of the last event that the client has.",
        ["Idempotency-Key"] = "Makes the request safe to repeat: the same key with the same body gives the same answer for 24 hours.",
        ["X-Idempotency-Key"] = "Older name of Idempotency-Key.",
    };

    public async Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var handler = metadata.OfType<MethodInfo>().FirstOrDefault();
        Name(operation, handler);
        Describe(operation, handler, metadata);
        Bodies(operation, metadata);
        await StreamAsync(operation, metadata, context, cancellationToken);
        Problems(operation, context, handler, metadata);
        foreach (var response in operation.Responses ?? [])
        {
            response.Value.Description = string.IsNullOrEmpty(response.Value.Description) ? ReasonPhrases.GetReasonPhrase(int.Parse(response.Key)) : response.Value.Description;
        }
    }

    private static void Name(OpenApiOperation operation, MethodInfo? handler)
    {
        operation.OperationId ??= DocComments.Named(handler?.DeclaringType)?.Name;
        if (operation.Summary is { Length: > 0 } || handler is null || DocComments.OfHandler(handler) is not { } text)
        {
            return;
        }

        text = Route().Replace(text, "");
        text = char.ToUpperInvariant(text[0]) + text[1..];
        var end = Sentence().Match(text) is { Success: true, Index: < MaxSummary } match ? match.Index + 1 : text.Length;
        operation.Summary = text[..end].TrimEnd('.', ' ');
        if (operation.Description is null && end < text.Length)
        {
            operation.Description = text[end..].Trim();
        }

        if (operation.Summary.Length > MaxSummary)
        {
            operation.Description = $"{operation.Summary}. {operation.Description}".Trim();
            operation.Summary = operation.Summary[..operation.Summary.LastIndexOf(' ', MaxSummary - 2)] + " …";
        }
    }

    private static void Describe(OpenApiOperation operation, MethodInfo? handler, IList<object> metadata)
    {
        foreach (var read in metadata.OfType<RouteDocuments.ReadParameter>())
        {
            // One that the handler's signature has as well needs its words only.
            if (operation.Parameters?.OfType<OpenApiParameter>().FirstOrDefault(parameter => parameter.Name == read.Name) is { } known)
            {
                known.Description = read.Description;
                continue;
            }

            (operation.Parameters ??= []).Add(new OpenApiParameter
            {
                Name = read.Name,
                In = read.InHeader ? ParameterLocation.Header : ParameterLocation.Query,
                Description = read.Description,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                Example = JsonValue.Create(read.Example),
            });
        }

        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
        {
            parameter.Description ??= (handler is null ? null : DocComments.OfParameter(handler, parameter.Name ?? ""))
                ?? (handler is null ? null : OfMember(handler, parameter.Name ?? ""))
                ?? Parameters.GetValueOrDefault(parameter.Name ?? "");
            parameter.Example ??= Samples.Of(parameter.Schema, parameter.Name is "name" ? "character_name" : parameter.Name ?? "");
        }
    }

    /// <summary>What a type says about the member that is bound to a parameter ([AsParameters]).</summary>
    private static string? OfMember(MethodInfo handler, string name) => (
        from parameter in handler.GetParameters()
        where parameter.IsDefined(typeof(AsParametersAttribute))
        from property in parameter.ParameterType.GetProperties()
        where property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)
            || property.GetCustomAttributes().Any(attribute => (attribute as IFromQueryMetadata)?.Name == name || (attribute as IFromHeaderMetadata)?.Name == name)
        select DocComments.OfProperty(parameter.ParameterType, property.Name)).FirstOrDefault();

    private static void Bodies(OpenApiOperation operation, IList<object> metadata)
    {
        if (metadata.OfType<RouteDocuments.BytesBody>().FirstOrDefault() is { } body)
        {
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Bytes(body.ContentTypes) };
        }

        if (metadata.OfType<RouteDocuments.BytesAnswer>().FirstOrDefault() is { } answer)
        {
            Response(operation, 200).Content = Bytes(answer.ContentTypes);
        }

        if (metadata.OfType<RouteDocuments.RequestExample>().FirstOrDefault() is { } example)
        {
            foreach (var media in operation.RequestBody?.Content?.Values ?? Enumerable.Empty<OpenApiMediaType>())
            {
                media.Example = example.Value.DeepClone();
            }
        }

        foreach (var given in metadata.OfType<RouteDocuments.AnswerExample>())
        {
            foreach (var media in Response(operation, given.Status).Content?.Values ?? Enumerable.Empty<OpenApiMediaType>())
            {
                media.Example = given.Value.DeepClone();
            }
        }

        foreach (var header in metadata.OfType<RouteDocuments.AnswerHeader>())
        {
            var response = Response(operation, header.Status);
            response.Headers ??= new Dictionary<string, IOpenApiHeader>();
            response.Headers[header.Name] = new OpenApiHeader { Description = header.Description, Schema = new OpenApiSchema { Type = JsonSchemaType.String } };
        }
    }

    /// <summary>OpenAPI 3.1 knows no items of a stream, so that <c>x-events</c> says which event has which data.</summary>
    private static async Task StreamAsync(
        OpenApiOperation operation, IList<object> metadata, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (metadata.OfType<RouteDocuments.EventStreamAnswer>().FirstOrDefault() is not { } stream)
        {
            return;
        }

        var events = new JsonObject();
        foreach (var (name, type) in stream.Data)
        {
            context.Document!.AddComponent(type.Name, (IOpenApiSchema)await context.GetOrCreateSchemaAsync(type, cancellationToken: cancellationToken));
            events[name] = new JsonObject { ["$ref"] = $"#/components/schemas/{type.Name}" };
        }

        Response(operation, 200).Content = new Dictionary<string, OpenApiMediaType>
        {
            ["text/event-stream"] = new()
            {
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = "Server-sent events; x-events names the schema of each event's data." },
                Example = JsonValue.Create(stream.Example),
                Extensions = new Dictionary<string, IOpenApiExtension> { ["x-events"] = new JsonNodeExtension(events) },
            },
        };
    }

    private static void Problems(OpenApiOperation operation, OpenApiOperationTransformerContext context, MethodInfo? handler, IList<object> metadata)
    {
        var codes = new SortedDictionary<int, SortedSet<string>>();
        void Add(int status, params IEnumerable<string> more)
        {
            if (!codes.TryGetValue(status, out var known))
            {
                codes[status] = known = new SortedSet<string>(StringComparer.Ordinal);
            }

            known.UnionWith(more);
        }

        foreach (var problem in metadata.OfType<RouteDocuments.AnsweredProblem>())
        {
            Add(problem.Status, problem.Codes);
        }

        Add(500, "INTERNAL_ERROR");
        Add(503, "UNAVAILABLE");
        if (operation.RequestBody is not null)
        {
            Add(400, "BAD_REQUEST", "VALIDATION_FAILED");
            Add(413, "BODY_TOO_LARGE");
            Add(415, "UNSUPPORTED_MEDIA_TYPE");
        }
        else if (operation.Parameters is { Count: > 0 })
        {
            Add(400, "BAD_REQUEST");
        }

        foreach (var status in (operation.Responses?.Keys ?? Enumerable.Empty<string>()).Select(int.Parse).Where(status => status >= 400 && !codes.ContainsKey(status)))
        {
            Add(status, status == 401 ? TokenCodes : [ServiceDefaults.Problems.CodeOf(status)]);
        }

        // Who checks tokens by itself is reached by address, or is the gateway, which says what is for everybody.
        if (!metadata.OfType<AllowedCallers>().Any() && !metadata.OfType<IAllowAnonymous>().Any())
        {
            Add(401, TokenCodes);
            Add(503, "IDENTITY_UNAVAILABLE");
        }

        if (metadata.OfType<AllowedRoles>().Any())
        {
            Add(401, "UNAUTHORIZED");
            Add(403, "ROLE_REQUIRED");
        }

        if (handler?.GetParameters().Any(parameter => parameter.ParameterType == typeof(UserIdentity)) == true)
        {
            Add(401, "UNAUTHORIZED");
        }

        // Other reasons for 401 are of sign-ins, which need no token.
        if (codes.TryGetValue(401, out var reasons) && reasons.Intersect(TokenCodes).Any() && !HasOwnForm(operation, 401))
        {
            operation.Security =
            [
                new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(WholeDocuments.Bearer, context.Document)] = [] },
                new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(WholeDocuments.Cookie, context.Document)] = [] },
            ];
        }

        foreach (var (status, names) in codes)
        {
            var response = Response(operation, status);
            response.Description = string.Join(", ", names);
            // Beside a form of its own that another protocol asks for, such as OAuth's.
            response.Content ??= new Dictionary<string, OpenApiMediaType>();
            response.Content["application/problem+json"] = new()
            {
                Schema = new OpenApiSchemaReference(WholeDocuments.Problem, context.Document),
                Examples = names.ToDictionary(name => name, name => Example(context.Document!, status, name)),
            };
        }
    }

    /// <summary>Stands once in the document, however many operations fail like that.</summary>
    private static IOpenApiExample Example(OpenApiDocument document, int status, string code)
    {
        var id = $"{code}.{status}";
        document.AddComponent<IOpenApiExample>(id, new OpenApiExample { Value = Problem(status, code) });
        return new OpenApiExampleReference(id, document);
    }

    internal static JsonObject Problem(int status, string code) => new()
    {
        ["type"] = "about:blank",
        ["title"] = ReasonPhrases.GetReasonPhrase(status),
        ["status"] = status,
        ["detail"] = "What was tried, and what to do.",
        ["code"] = code,
        ["traceId"] = "0af7651916cd43dd8448eb211c80319c",
    };

    /// <summary>Whether an error has the form of another protocol, such as OAuth's, where 401 is no word about our tokens.</summary>
    private static bool HasOwnForm(OpenApiOperation operation, int status) =>
        operation.Responses?.GetValueOrDefault(status.ToString(CultureInfo.InvariantCulture))?.Content?.ContainsKey("application/json") == true;

    private static OpenApiResponse Response(OpenApiOperation operation, int status)
    {
        operation.Responses ??= [];
        if (operation.Responses.TryGetValue(status.ToString("D"), out var known) && known is OpenApiResponse response)
        {
            return response;
        }

        var made = new OpenApiResponse { Description = ReasonPhrases.GetReasonPhrase(status) };
        operation.Responses[status.ToString("D")] = made;
        return made;
    }

    private static Dictionary<string, OpenApiMediaType> Bytes(IEnumerable<string> contentTypes) => contentTypes.ToDictionary(
        type => type, _ => new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } });

    /// <summary>The route that a feature's summary begins with.</summary>
    [GeneratedRegex(@"^`[A-Z]+ [^:]*: ")]
    private static partial Regex Route();

    [GeneratedRegex(@"[.:] (?=[A-Z0-9`])|\.$")]
    private static partial Regex Sentence();
}
