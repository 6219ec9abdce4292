using System.Net;
using Microsoft.AspNetCore.Http;

namespace Gateway.Tests;

public sealed class CorsTests
{
    private const string Ours = "https://app.example";

    private static GatewayApp Start(FakeServer? sidecar = null) => new(sidecar, settings: [("Gateway:Cors:Origins:0", Ours), ("Gateway:Cors:Origins:1", "http://localhost:5173")]);

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await client.SendAsync(request);
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) || response.Content.Headers.TryGetValues(name, out values) ? string.Join(", ", values) : null;

    [Theory]
    [InlineData("/api/v1/jobs/1/events", "GET")]
    [InlineData("/api/v1/images/upload/scan/a.png", "PUT")]
    [InlineData("/api/v1/scan", "GET, HEAD, POST, PUT, PATCH, DELETE")]
    [InlineData("/api/v1/auth/refresh", "GET, HEAD, POST, PUT, PATCH, DELETE")]
    [InlineData("/api/v1/unknown", "GET, HEAD, POST, PUT, PATCH, DELETE")]
    public async Task Preflight_is_answered_here_with_the_methods_of_the_route(string path, string methods)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = Start(sidecar);
        using var client = app.Client();

        using var response = await SendAsync(client, HttpMethod.Options, path, ("Origin", Ours), ("Access-Control-Request-Method", "POST"));

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(Ours, Header(response, "Access-Control-Allow-Origin"));
        Assert.Equal("true", Header(response, "Access-Control-Allow-Credentials"));
        Assert.Equal(methods, Header(response, "Access-Control-Allow-Methods"));
        Assert.Contains("Idempotency-Key", Header(response, "Access-Control-Allow-Headers"));
        Assert.Equal("600", Header(response, "Access-Control-Max-Age"));
        Assert.Contains("Origin", Header(response, "Vary"));
        Assert.Empty(sidecar.Requests);
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("null")]
    [InlineData("*")]
    [InlineData("https://app.example.evil.example")]
    [InlineData("https://app.example:8443")]
    [InlineData("http://app.example")]
    [InlineData("https://APP.example")]
    [InlineData("https://app.example/")]
    public async Task Other_origins_learn_nothing(string origin)
    {
        await using var sidecar = await FakeServer.StartAsync();
        sidecar.Answer = context =>
        {
            context.Response.Headers.AccessControlAllowOrigin = "*";
            return context.Response.WriteAsync("secret");
        };
        await using var app = Start(sidecar);
        using var client = app.Client(bearerOf: "u1");

        using var preflight = await SendAsync(client, HttpMethod.Options, "/api/v1/users/me", ("Origin", origin), ("Access-Control-Request-Method", "GET"));
        Assert.Equal((HttpStatusCode.Forbidden, "ORIGIN_NOT_ALLOWED"), (preflight.StatusCode, await GatewayApp.CodeOf(preflight)));
        using var read = await SendAsync(client, HttpMethod.Get, "/api/v1/users/me", ("Origin", origin));

        Assert.All([preflight, read], response =>
        {
            Assert.Null(Header(response, "Access-Control-Allow-Origin"));
            Assert.Null(Header(response, "Access-Control-Allow-Credentials"));
            Assert.Contains("Origin", Header(response, "Vary"));
        });
    }

    [Fact]
    public async Task Answers_and_failures_can_be_read_by_an_allowed_page()
    {
        await using var sidecar = await FakeServer.StartAsync();
        sidecar.Answer = context =>
        {
            context.Response.Headers.Vary = "Accept-Language";
            return Task.CompletedTask;
        };
        await using var app = Start(sidecar);
        using var client = app.Client();
        using var signedIn = app.Client(cookieOf: "u1");

        using var refused = await SendAsync(client, HttpMethod.Get, "/api/v1/users/me", ("Origin", Ours));
        using var unknown = await SendAsync(client, HttpMethod.Get, "/api/v1/unknown", ("Origin", Ours));
        using var ambiguous = await SendAsync(client, HttpMethod.Get, "/api/v1/users/%252e", ("Origin", Ours));
        using var answered = await SendAsync(signedIn, HttpMethod.Get, "/api/v1/users/me", ("Origin", Ours));

        Assert.Equal([401, 404, 400, 200], new[] { refused, unknown, ambiguous, answered }.Select(response => (int)response.StatusCode));
        Assert.All([refused, unknown, ambiguous, answered], response =>
        {
            Assert.Equal(Ours, Header(response, "Access-Control-Allow-Origin"));
            Assert.Equal("X-Request-ID, RateLimit, RateLimit-Policy, Retry-After, Location, ETag", Header(response, "Access-Control-Expose-Headers"));
        });
        Assert.Equal("Accept-Language, Origin", Header(answered, "Vary"));
    }

    [Fact]
    public async Task Nobody_is_allowed_unless_configured()
    {
        await using var app = new GatewayApp();
        using var client = app.Client();
        using var response = await SendAsync(client, HttpMethod.Get, "/api/v1/unknown", ("Origin", Ours));
        Assert.Null(Header(response, "Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("*")]
    [InlineData("null")]
    [InlineData("https://app.example/")]
    [InlineData("https://*.example")]
    [InlineData("app.example")]
    public void An_entry_that_no_browser_sends_stops_the_start(string origin) =>
        Assert.NotEmpty(new Security.CorsOptions { Origins = [origin] }.Validate(new System.ComponentModel.DataAnnotations.ValidationContext(origin)));

    [Theory]
    [InlineData("/api/v1/scan", Ours, "cross-site", true)]
    [InlineData("/api/v1/scan", "http://localhost:5173", "same-site", true)]
    [InlineData("/api/v1/scan", "https://evil.example", "cross-site", false)]
    [InlineData("/api/v1/scan", "https://evil.example", null, false)]
    [InlineData("/api/v1/auth/logout", Ours, "cross-site", true)]
    [InlineData("/api/v1/auth/logout", "null", "cross-site", false)]
    public async Task An_allowed_origin_may_write_with_cookies(string path, string origin, string? site, bool passes)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = Start(sidecar);
        using var client = app.Client(cookieOf: "u1");
        using var response = await SendAsync(client, HttpMethod.Post, path, [("Origin", origin), .. site is null ? Array.Empty<(string, string)>() : [("Sec-Fetch-Site", site)]]);
        Assert.Equal(passes ? HttpStatusCode.OK : HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal(passes ? 1 : 0, sidecar.Requests.Count);
    }

    [Theory]
    [InlineData("/api/v1/auth/guest", "https://evil.example", "cross-site", false)]
    [InlineData("/api/v1/auth/refresh", "https://evil.example", null, false)]
    [InlineData("/api/v1/auth/logout", null, "same-site", false)]
    [InlineData("/api/v1/auth/refresh", null, null, true)]
    [InlineData("/api/v1/auth/guest", null, "same-origin", true)]
    [InlineData("/api/v1/auth/guest", Ours, "cross-site", true)]
    public async Task Another_site_cannot_sign_its_visitor_in_or_out(string path, string? origin, string? site, bool passes)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = Start(sidecar);
        using var client = app.Client();
        // Any cookie, or none that proves anything: what counts is where the request comes from.
        using var response = await SendAsync(client, HttpMethod.Post, path,
        [
            ("Cookie", "s_refresh=x"), .. origin is null ? Array.Empty<(string, string)>() : [("Origin", origin)],
            .. site is null ? Array.Empty<(string, string)>() : [("Sec-Fetch-Site", site)],
        ]);
        Assert.Equal(passes ? HttpStatusCode.OK : HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal(passes ? 1 : 0, sidecar.Requests.Count);
    }
}
