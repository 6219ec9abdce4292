using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dapr;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ServiceDefaults;
using ServiceDefaults.OpenApi;
using TestKit;
using Xunit;

namespace ServiceContract;

/// <summary>
/// What every app owes to its clients and to the other apps: its OpenAPI document, and no answer to anybody who is not on the list of callers. An
/// empty subclass per app, in its own tests. The routes come from the app itself, so a new one is checked without touching this.
/// </summary>
public abstract partial class AppContract<TService>(string app, params (string Name, string Value)[] settings) : IAsyncDisposable
    where TService : class
{
    private const string AppToken = "app-token-of-this-test";

    private static readonly string[] Health = ["/healthz", "/healthz/live", "/healthz/ready", "/healthz/startup", "/health", "/ready"];
    private static readonly string[] AllMethods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

    private readonly WebApplicationFactory<TService> _app = new WebApplicationFactory<TService>().WithWebHostBuilder(builder =>
    {
        builder.UseEnvironment("Development");
        builder.UseSetting("Logging:LogLevel:Default", "Warning");
        builder.UseSetting("APP_API_TOKEN", AppToken);
        builder.UseSetting("DAPR_HTTP_ENDPOINT", "http://127.0.0.1:1");
        builder.UseSetting(TestTokens.Setting, TestTokens.Jwks);
        foreach (var (name, value) in settings)
        {
            builder.UseSetting(name, value);
        }

        // Routes are asked about and nothing else: there is no sidecar for what runs in the background.
        builder.ConfigureTestServices(services =>
        {
            foreach (var hosted in services.Where(service => service.ServiceType == typeof(IHostedService) && !IsServer(service)).ToArray())
            {
                services.Remove(hosted);
            }
        });
    });

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Whether a route has its place in the document; the gateway's table has not: it leads to the documents of the apps.</summary>
    protected virtual bool HasDocument(RouteEndpoint route) => true;

    /// <summary>Whether clients reach the app itself: then its routes do not ask who calls.</summary>
    protected virtual bool IsEdge => false;

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Every_route_for_clients_is_documented()
    {
        var document = await DocumentAsync();

        var documented = Operations(document).Select(operation => $"{operation.Method} {operation.Path}").Order();
        var mapped = Routes().Where(IsForClients).Where(HasDocument).SelectMany(route => Methods(route).Select(method => $"{method} {PathOf(route)}")).Distinct().Order();
        Assert.Equal(mapped, documented);
    }

    [Fact]
    public async Task Every_operation_says_what_it_does_and_how_it_fails()
    {
        var operations = Operations(await DocumentAsync()).ToArray();

        var missing = operations.SelectMany(operation => Missing(operation.Node).Select(what => $"{operation.Method} {operation.Path}: {what}"));
        Assert.Empty(missing);
        Assert.Equal(operations.Length, operations.Select(operation => (string)operation.Node["operationId"]!).Distinct().Count());
    }

    [Fact]
    public async Task Every_body_has_an_example_that_its_schema_accepts()
    {
        var document = await DocumentAsync();

        Assert.Empty(Operations(document).SelectMany(operation => ExampleCheck.Of(document, operation.Node).Select(wrong => $"{operation.Method} {operation.Path}: {wrong}")));
    }

    [Fact]
    public async Task The_document_is_the_one_that_clients_know() =>
        Snapshot.Check($"docs/openapi/{app}.json", (await DocumentAsync()).ToJsonString(new JsonSerializerOptions(TandemJson.Options) { WriteIndented = true }).ReplaceLineEndings("\n") + "\n");

    [Fact]
    public async Task Nothing_answers_to_who_is_not_on_its_list_of_callers()
    {
        using var client = _app.CreateDefaultClient();
        var wrong = new List<string>();
        foreach (var route in Routes().Where(route => !Health.Contains(PathOf(route)) && !(IsEdge && AllowedOf(route) is null)))
        {
            foreach (var method in Methods(route))
            {
                var allowed = AllowedOf(route);
                foreach (var (name, headers) in Strangers(allowed))
                {
                    var (status, code) = await AskAsync(client, method, route, headers);
                    // Who checks tokens by itself is reached by address and says 401.
                    if (allowed is null ? status != 401 : (status, code) != (403, "CALLER_NOT_ALLOWED"))
                    {
                        wrong.Add($"{method} {PathOf(route)} answers {status} {code} to {name}");
                    }
                }
            }
        }

        Assert.Empty(wrong);
    }

    private static IEnumerable<(string Name, (string, string)[] Headers)> Strangers(AllowedCallers? allowed)
    {
        (string, string) token = ("dapr-api-token", AppToken);
        (string, string) user = (UserIdentity.Header, "u1");
        yield return ("nobody", []);
        yield return ("a user by header", [user, (UserIdentity.RolesHeader, "admin")]);
        yield return ("a caller without the token", [user, ("dapr-caller-app-id", allowed?.AppIds.FirstOrDefault() ?? "gateway")]);
        yield return ("another token", [user, ("dapr-api-token", "wrong"), ("dapr-caller-app-id", allowed?.AppIds.FirstOrDefault() ?? "gateway")]);
        if (allowed is null or { AppIds.Count: > 0 })
        {
            yield return ("a token without a caller", [token, user]);
            yield return ("another app", [token, user, ("dapr-caller-app-id", "somebody-else")]);
        }
    }

    private async Task<(int Status, string? Code)> AskAsync(HttpClient client, string method, RouteEndpoint route, (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), SamplePath(route));
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        using var response = await client.SendAsync(request, Cancel);
        var code = response.Content.Headers.ContentType?.MediaType == "application/problem+json"
            ? (string?)(await response.Content.ReadFromJsonAsync<JsonNode>(Cancel))?["code"] : null;
        return ((int)response.StatusCode, code);
    }

    private Task<JsonObject> DocumentAsync()
    {
        _ = _app.Server;
        return OwnDocument.GetAsync(_app.Services, Cancel);
    }

    private RouteEndpoint[] Routes()
    {
        _ = _app.Server;
        return [.. _app.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().Distinct()];
    }

    private static IEnumerable<string> Missing(JsonNode operation)
    {
        if ((string?)operation["summary"] is not { Length: > 0 and <= 122 } summary || summary.StartsWith('`'))
        {
            yield return "its summary: a doc comment on the handler, or WithSummary";
        }

        if ((string?)operation["operationId"] is not { Length: > 0 })
        {
            yield return "its operationId: WithName";
        }

        if (operation["tags"] is not JsonArray { Count: > 0 })
        {
            yield return "its tag: WithTags";
        }

        var responses = operation["responses"]!.AsObject();
        if (!responses.Any(response => response.Key[0] is '2' or '3'))
        {
            yield return "an answer when all is well";
        }

        if (!responses.Any(response => response.Key[0] is '4' or '5'))
        {
            yield return "an answer when something fails: Answers(status, code)";
        }

        foreach (var (status, response) in responses.Where(response => response.Key[0] is '4' or '5'))
        {
            if (response!["content"]?["application/problem+json"]?["examples"] is not JsonObject { Count: > 0 })
            {
                yield return $"the codes of {status}: Answers({status}, code)";
            }
        }

        foreach (var parameter in operation["parameters"]?.AsArray() ?? [])
        {
            if ((string?)parameter!["description"] is not { Length: > 0 })
            {
                yield return $"what {parameter["name"]} is: a param comment on the handler";
            }
        }
    }

    private static IEnumerable<(string Path, string Method, JsonNode Node)> Operations(JsonNode document) =>
        from path in document["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        select (path.Key, operation.Key.ToUpperInvariant(), operation.Value);

    private static bool IsForClients(RouteEndpoint route) =>
        !Health.Contains(PathOf(route)) && !PathOf(route).StartsWith("/internal/", StringComparison.Ordinal) && !PathOf(route).StartsWith("/openapi/{", StringComparison.Ordinal)
        && AllowedOf(route) is var allowed && (allowed is null || allowed.AppIds.Contains("gateway"));

    private static AllowedCallers? AllowedOf(RouteEndpoint route) =>
        route.Metadata.GetMetadata<AllowedCallers>()
        ?? (route.Metadata.GetMetadata<ITopicMetadata>() is not null || PathOf(route).StartsWith("/dapr/", StringComparison.Ordinal) ? new AllowedCallers([]) : null);

    private static IReadOnlyList<string> Methods(RouteEndpoint route) =>
        route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods is { Count: > 0 } methods ? methods : AllMethods;

    /// <summary>The pattern as OpenAPI writes it: without constraints.</summary>
    private static string PathOf(RouteEndpoint route) => "/" + string.Join('/', route.RoutePattern.PathSegments.Select(segment => string.Concat(
        segment.Parts.Select(part => part switch
        {
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart parameter => $"{{{parameter.Name}}}",
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal => literal.Content,
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternSeparatorPart separator => separator.Content,
            _ => "",
        }))));

    private static string SamplePath(RouteEndpoint route) => "/" + string.Join('/', route.RoutePattern.PathSegments.Select(segment => string.Concat(
        segment.Parts.Select(part => part switch
        {
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart { Name: "documentName" } => "v2",
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart => "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal => literal.Content,
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternSeparatorPart separator => separator.Content,
            _ => "",
        }))));

    private static bool IsServer(ServiceDescriptor service) =>
        (service.ImplementationType ?? service.ImplementationInstance?.GetType())?.FullName?.StartsWith("Microsoft.AspNetCore.", StringComparison.Ordinal) == true;
}
