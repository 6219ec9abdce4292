using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Gateway.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ServiceContract;
using TestKit;

namespace Gateway.Tests;

/// <summary>The merged document, of the documents that the apps really serve (<c>docs/openapi</c>).</summary>
public sealed class ApiDocumentTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_line_of_the_route_table_leads_to_something_documented_and_every_route_of_an_app_is_reached()
    {
        await using var sidecar = await StartAsync();
        await using var gateway = new GatewayApp(sidecar);
        var routes = gateway.Services.GetRequiredService<IOptions<GatewayOptions>>().Value.Routes;

        var reachable = new ReachablePaths(routes);
        var operations = routes.Values.Select(route => route.App).Distinct()
            .SelectMany(app => MergedDocument.Operations(Document(app)!).Select(operation => (app, operation.Method, operation.Path))).ToArray();
        var reached = operations.SelectMany(operation => reachable.To(operation.app, operation.Method, operation.Path)).ToArray();

        Assert.All(operations, operation => Assert.NotEmpty(reachable.To(operation.app, operation.Method, operation.Path)));
        Assert.Empty(routes.Keys.Except(reached.Select(one => one.Name)));
    }

    [Fact]
    public async Task The_document_names_all_that_clients_reach_and_its_examples_fit()
    {
        await using var sidecar = await StartAsync();
        await using var gateway = new GatewayApp(sidecar);
        using var client = gateway.Client();

        var document = (await client.GetFromJsonAsync<JsonObject>("/openapi/v1.json", Cancel))!;

        Assert.Null(document[MergedDocument.Missing]);
        var operations = MergedDocument.Operations(document).ToArray();
        Assert.Contains(operations, operation => operation is { Path: "/api/v1/scan/{jobId}/events", Method: "GET" });
        Assert.Contains(operations, operation => operation is { Path: "/api/v1/image/{channel}", Method: "POST" } && (bool?)operation.Operation["deprecated"] == true);
        Assert.Contains(operations, operation => operation is { Path: "/readyz" });
        Assert.DoesNotContain(operations, operation => operation.Path.StartsWith("/internal", StringComparison.Ordinal));
        Assert.Equal(operations.Length, operations.Select(operation => (string)operation.Operation["operationId"]!).Distinct().Count());
        Assert.Empty(operations.SelectMany(operation => ExampleCheck.Of(document, operation.Operation)));
        Assert.All(References(document), reference => Assert.NotNull(JsonSchemaCheck.Resolve(document, reference)));
        Assert.All(operations.Where(operation => operation.Path.StartsWith("/api/v1/users", StringComparison.Ordinal)), operation =>
            Assert.NotNull(operation.Operation["responses"]!["401"]!["content"]!["application/problem+json"]!["examples"]!["TOKEN_EXPIRED"]));
    }

    [Fact]
    public async Task An_app_that_is_away_is_left_out_and_named()
    {
        await using var sidecar = await StartAsync(except: "images");
        await using var gateway = new GatewayApp(sidecar);
        using var client = gateway.Client();

        var document = (await client.GetFromJsonAsync<JsonObject>("/openapi/v1.json", Cancel))!;

        Assert.Equal("images", (string?)Assert.Single(document[MergedDocument.Missing]!.AsArray()));
        Assert.DoesNotContain(MergedDocument.Operations(document), operation => operation.Path.StartsWith("/api/v1/image", StringComparison.Ordinal));
        Assert.Contains(MergedDocument.Operations(document), operation => operation.Path == "/api/v1/users/me");
    }

    [Fact]
    public async Task It_is_kept_for_a_while_and_known_by_its_etag()
    {
        await using var sidecar = await StartAsync();
        await using var gateway = new GatewayApp(sidecar);
        using var client = gateway.Client();
        using var first = await client.GetAsync("/openapi/v1.json", Cancel);
        var asked = sidecar.Requests.Count;

        using var again = new HttpRequestMessage(HttpMethod.Get, "/openapi/v1.json") { Headers = { IfNoneMatch = { first.Headers.ETag! } } };
        using var second = await client.SendAsync(again, Cancel);

        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.Equal(asked, sidecar.Requests.Count);
    }

    [Fact]
    public async Task The_page_of_the_api_takes_everything_from_here()
    {
        await using var gateway = new GatewayApp();
        using var client = gateway.Client();

        var moved = await client.GetAsync("/docs", Cancel);
        var page = await client.GetStringAsync("/docs/", Cancel);
        var script = await client.GetStringAsync("/docs/docs.js", Cancel);

        Assert.Equal("/docs/", moved.Headers.Location?.AbsolutePath);
        Assert.Contains("src=\"/docs/docs.js\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("://", page + script, StringComparison.Ordinal);
        Assert.DoesNotContain("innerHTML", script, StringComparison.Ordinal);
    }

    [Fact]
    public void Schemas_of_one_name_and_two_shapes_are_told_apart()
    {
        var routes = new Dictionary<string, GatewayRoute> { ["one"] = new() { Path = "/one", App = "one" }, ["two"] = new() { Path = "/two", App = "two-more" } };

        var merged = MergedDocument.Merge(App("/own", "boolean"), new Dictionary<string, JsonObject?> { ["one"] = App("/one", "string"), ["two-more"] = App("/two", "integer") }, routes);

        Assert.Equal("#/components/schemas/OneThing", (string?)merged["paths"]!["/one"]!["get"]!["responses"]!["200"]!["schema"]!["$ref"]);
        Assert.Equal("integer", (string?)merged["components"]!["schemas"]!["TwoMoreThing"]!["type"]);
        Assert.Equal("boolean", (string?)merged["components"]!["schemas"]!["Thing"]!["type"]);
    }

    private static JsonObject App(string path, string type) => new()
    {
        ["info"] = new JsonObject(),
        ["paths"] = new JsonObject
        {
            [path] = new JsonObject
            {
                ["get"] = new JsonObject
                {
                    ["operationId"] = path, ["responses"] = new JsonObject { ["200"] = new JsonObject { ["schema"] = new JsonObject { ["$ref"] = "#/components/schemas/Thing" } } },
                },
            },
        },
        ["components"] = new JsonObject { ["schemas"] = new JsonObject { ["Thing"] = new JsonObject { ["type"] = type } } },
    };

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(member => member is { Key: "$ref", Value: JsonValue value } ? [value.GetValue<string>()] : References(member.Value)),
        JsonArray items => items.SelectMany(References),
        _ => [],
    };

    /// <summary>A sidecar behind which every app gives its document.</summary>
    private static async Task<FakeServer> StartAsync(string? except = null)
    {
        var sidecar = await FakeServer.StartAsync();
        sidecar.Answer = context =>
        {
            var app = context.Request.Path.Value!.Split('/') is [_, "v1.0", "invoke", var id, "method", "openapi", "v1.json"] ? id : null;
            if (app is null || app == except)
            {
                context.Response.StatusCode = 500;
                return Task.CompletedTask;
            }

            return context.Response.WriteAsJsonAsync(Document(app), Cancel);
        };
        return sidecar;
    }

    private static JsonObject? Document(string app) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(Snapshot.Root(), "docs/openapi", $"{app}.json")))!.AsObject();
}
