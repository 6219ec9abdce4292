using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Api.Tests;

namespace Sidecar.Runtime.Tests;

/// <summary>An HTTP server called through a binding.</summary>
public sealed class OutputBindingTests
{
    private static async Task<TestRun> StartAsync(Action<WebApplication> map)
    {
        var run = new TestRun();
        await run.AppAsync("server", map);
        run.Component("outside", "bindings.http", $"url={run.App(0).Urls.Single()}");
        return await run.StartAsync();
    }

    [Fact]
    public async Task The_callers_trace_context_reaches_the_server()
    {
        const string TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        await using var run = await StartAsync(app => app.MapPost("/trace", (HttpRequest request) => $"{request.Headers.TraceParent} {request.Headers.Baggage}"));
        using var http = run.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1.0/bindings/outside")
        {
            Content = JsonContent.Create(new { operation = "post", metadata = new { path = "trace", baggage = "own=1" } }),
            Headers = { { "traceparent", TraceParent }, { "baggage", "header=1" } },
        };

        using var response = await http.SendAsync(request);

        Assert.Equal($"{TraceParent} own=1", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_redirect_is_followed()
    {
        await using var run = await StartAsync(app =>
        {
            app.MapGet("/old", () => Results.Redirect("/new"));
            app.MapGet("/new", () => "found");
        });
        using var http = run.Client();

        using var response = await http.PostAsJsonAsync("/v1.0/bindings/outside", new { operation = "get", metadata = new { path = "old" } });

        Assert.Equal("found", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_refusal_comes_back_as_an_error_with_its_status()
    {
        await using var run = await StartAsync(app => app.MapPost("/no", () => Results.StatusCode(403)));
        using var http = run.Client();

        using var response = await http.PostAsJsonAsync("/v1.0/bindings/outside", new { operation = "create", data = "d", metadata = new { path = "no" } });

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("403", Assert.Single(response.Headers.GetValues("metadata.statusCode")));
        Assert.Contains("ERR_INVOKE_OUTPUT_BINDING", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}
