using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Contracts.Identity;
using TestKit;

namespace Gateway.Tests;

/// <summary>What machine clients may ask for.</summary>
public sealed class ScopeTests
{
    [Theory]
    [InlineData("GET", "/api/v1/scan/", "scan")]
    [InlineData("POST", "/api/v1/images/scan", "images")]
    [InlineData("POST", "/api/v1/image/scan", "images")]
    [InlineData("GET", "/api/v1/users/me", "users:read")]
    [InlineData("GET", "/api/v1/character/catalog", "characters:read")]
    public async Task A_machine_client_needs_the_scope_of_the_route(string method, string path, string scope)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);

        using var allowed = await SendAsync(app, method, path, $"other {scope}");
        using var refused = await SendAsync(app, method, path, string.Join(' ', Scopes.All.Where(other => other != scope)));

        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
        Assert.Equal((HttpStatusCode.Forbidden, "INSUFFICIENT_SCOPE"), (refused.StatusCode, await GatewayApp.CodeOf(refused)));
        Assert.Equal($"Bearer error=\"insufficient_scope\", scope=\"{scope}\"", refused.Headers.WwwAuthenticate.ToString());
        Assert.Single(sidecar.Requests);
    }

    [Theory]
    [InlineData("GET", "/api/v1/jobs/1/events")]
    [InlineData("GET", "/api/v1/jobs/1/log")]
    [InlineData("GET", "/api/v1/scan/1/events")]
    [InlineData("GET", "/api/v1/stream")]
    [InlineData("PUT", "/api/v1/images/upload/scan/a.png")]
    public async Task So_it_does_where_the_app_verifies_the_token_itself(string method, string path)
    {
        await using var app = new GatewayApp();

        using var refused = await SendAsync(app, method, path, "scan");

        Assert.Equal((HttpStatusCode.Forbidden, "INSUFFICIENT_SCOPE"), (refused.StatusCode, await GatewayApp.CodeOf(refused)));
    }

    [Theory]
    [InlineData("PATCH", "/api/v1/users/me")]
    [InlineData("DELETE", "/api/v1/users/me")]
    [InlineData("POST", "/api/v1/auth/api-keys")]
    [InlineData("PUT", "/api/v1/auth/users/u1/roles")]
    [InlineData("POST", "/api/v1/auth/logout")]
    public async Task A_route_without_a_scope_is_for_people(string method, string path)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);

        using var refused = await SendAsync(app, method, path, string.Join(' ', Scopes.All));

        Assert.Equal((HttpStatusCode.Forbidden, "INSUFFICIENT_SCOPE"), (refused.StatusCode, await GatewayApp.CodeOf(refused)));
        Assert.Empty(sidecar.Requests);
    }

    [Theory]
    [InlineData("/api/v1/models")]
    [InlineData("/api/v1/scan/categories")]
    [InlineData("/api/v1/images/generated/0123456789abcdef0123456789abcdef.png")]
    [InlineData("/api/v1/images/metrics")]
    [InlineData("/api/v1/image/metrics")]
    [InlineData("/api/v1/auth/.well-known/jwks.json")]
    public async Task What_is_open_to_everybody_is_open_to_machines(string path)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);

        using var response = await SendAsync(app, "GET", path, "");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public void Every_scope_of_the_route_table_is_one_that_keys_can_have()
    {
        var table = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "gateway.routes.json")))!["Gateway"]!["Routes"]!.AsObject();

        Assert.Equal(
            Scopes.All.Order(StringComparer.Ordinal),
            table.Select(route => (string?)route.Value!["Scope"]).OfType<string>().Distinct().Order(StringComparer.Ordinal));
    }

    private static async Task<HttpResponseMessage> SendAsync(GatewayApp app, string method, string path, string scope)
    {
        using var client = app.Client();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestTokens.Of("owner", change: claims => claims with { Provider = "api-key", Scope = scope }));
        return await client.SendAsync(request);
    }
}
