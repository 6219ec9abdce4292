using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Contracts.Identity;
using Gateway.ExtAuthz;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults;
using ServiceDefaults.Identity;
using TestKit;

namespace Gateway.Tests;

/// <summary>
/// The contract with Envoy's <c>ext_authz</c> filter and Istio's <c>envoyExtAuthzHttp</c>: requests in the shapes that they send, and what they make of
/// the answers.
/// </summary>
public sealed class ExtAuthzTests
{
    private static readonly string[] IdentityHeaders = ["X-User-ID", "X-Auth-Provider", "X-User-Session", "X-User-Roles"];

    /// <summary>As Envoy writes it: the client's method, host and path, the headers of its allow-list, its own ones, and no body.</summary>
    [Theory]
    [InlineData("GET", "/api/v1/users/me?x=1&y=%20")]
    [InlineData("POST", "/api/v1/scan")]
    [InlineData("DELETE", "/api/v1/users/me")]
    [InlineData("PUT", "/api/v1/images/upload/scan/a.png")]
    [InlineData("GET", "/api/v1/jobs/0198c0de-0000-7000-8000-000000000001/events")]
    public async Task A_request_with_a_token_passes_and_says_who_it_is(string method, string path)
    {
        await using var app = App();
        var claims = TestTokens.Claims("u1") with { Provider = "kakao", Roles = ["user", "admin"] };
        var answer = await CheckAsync(app, method, path, ("authorization", $"Bearer {TestTokens.Of("u1", change: _ => claims)}"), ("content-type", "application/json"));

        Assert.Equal(200, answer.Status);
        Assert.Equal(["u1", "kakao", claims.Sid, "user,admin"], IdentityHeaders.Select(name => answer.Headers[name]));
        Assert.Equal("0", answer.Headers["Content-Length"]);
        Assert.DoesNotContain(answer.Headers[CheckAnswer.Remove].Split(','), IdentityHeaders.Contains);
    }

    [Fact]
    public async Task Istio_puts_its_prefix_before_the_path()
    {
        await using var app = App(("Gateway:ExtAuthz:PathPrefix", "/check"));
        var token = ("authorization", $"Bearer {app.TokenOf("u1")}");

        Assert.Equal(200, (await CheckAsync(app, "GET", "/check/api/v1/users/me?x=/check", token)).Status);
        Assert.Equal(401, (await CheckAsync(app, "GET", "/check/api/v1/users/me")).Status);
        foreach (var path in new[] { "/api/v1/users/me", "/CHECK/api/v1/users/me", "/checkapi/v1/users/me", "/check", "/check/", "/check/check/api/v1/users/me" })
        {
            Assert.Equal(404, (await CheckAsync(app, "GET", path, token)).Status);
        }

        Assert.Equal(400, (await CheckAsync(app, "GET", "/check//api/v1/users/me", token)).Status);
        Assert.Equal(404, (await CheckAsync(app, "GET", "/check/../api/v1/users/me", token)).Status);
        Assert.Equal(400, (await CheckAsync(app, "GET", "/check/api/v1/users/../me", token)).Status);
        Assert.Equal(404, (await CheckAsync(app, "GET", "/check/internal/keys", token)).Status);
    }

    [Theory]
    [InlineData("GET", "/api/v1/users/me", 401, "UNAUTHORIZED")]
    [InlineData("GET", "/api/v1/unknown", 404, "NOT_FOUND")]
    [InlineData("GET", "/", 404, "NOT_FOUND")]
    [InlineData("GET", "/healthz/live", 404, "NOT_FOUND")]
    [InlineData("GET", "/metrics", 404, "NOT_FOUND")]
    [InlineData("GET", "/dapr/subscribe", 404, "NOT_FOUND")]
    [InlineData("GET", "/api/v1/internal/keys", 404, "NOT_FOUND")]
    [InlineData("GET", "/internal/keys", 404, "NOT_FOUND")]
    [InlineData("GET", "/v1.0/secrets/secrets/identity-encryption-key", 404, "NOT_FOUND")]
    [InlineData("GET", "/api/v1/users/..%2finternal/x", 400, "AMBIGUOUS_PATH")]
    [InlineData("GET", "/api/v1/users/%2e%2e/internal/x", 400, "AMBIGUOUS_PATH")]
    [InlineData("GET", "/api/v1/users/../internal/x", 400, "AMBIGUOUS_PATH")]
    [InlineData("GET", "/api/v1/users//me", 400, "AMBIGUOUS_PATH")]
    [InlineData("POST", "/api/v1/jobs/1/log", 405, "METHOD_NOT_ALLOWED")]
    [InlineData("POST", "/api/v1/models", 405, "METHOD_NOT_ALLOWED")]
    [InlineData("GET", "/api/v1/story/1", 501, "NOT_IMPLEMENTED")]
    public async Task What_the_gateway_refuses_is_refused(string method, string path, int status, string code)
    {
        await using var app = App();
        (string, string)[] headers = status == 401 ? [] : [("authorization", $"Bearer {app.TokenOf("u1")}")];

        var answer = await CheckAsync(app, method, path, headers);

        Assert.Equal((status, code), (answer.Status, answer.Code));
        Assert.DoesNotContain(answer.Headers.Keys, name => IdentityHeaders.Contains(name, StringComparer.OrdinalIgnoreCase));
        Assert.Equal(status, await GatewayStatusAsync(app, method, path, headers));
    }

    [Fact]
    public async Task Tokens_are_judged_as_at_the_gateway()
    {
        await using var app = App();
        var expired = TestTokens.Of("u1", TimeSpan.FromMinutes(-1));
        foreach (var (token, code) in new[] { ("forged", "INVALID_TOKEN"), (expired, "TOKEN_EXPIRED"), (TestTokens.Of("u1", change: c => c with { Aud = "refresh" }), "INVALID_TOKEN") })
        {
            var answer = await CheckAsync(app, "GET", "/api/v1/users/me", ("authorization", $"Bearer {token}"));
            Assert.Equal((401, code), (answer.Status, answer.Code));
            Assert.Equal("Bearer error=\"invalid_token\"", answer.Headers["WWW-Authenticate"]);
        }

        var claims = TestTokens.Claims("u1");
        var revoked = ("authorization", $"Bearer {TestTokens.Of("u1", change: _ => claims)}");
        Assert.Equal(200, (await CheckAsync(app, "GET", "/api/v1/users/me", revoked)).Status);
        app.Services.GetRequiredService<RevokedTokens>().Add(claims.Sid, DateTimeOffset.FromUnixTimeSeconds(claims.Exp));
        Assert.Equal("TOKEN_REVOKED", (await CheckAsync(app, "GET", "/api/v1/users/me", revoked)).Code);
    }

    [Fact]
    public async Task Machine_clients_need_the_scope_of_the_route()
    {
        await using var app = App(("Gateway:Routes:scan:Scope", "scan"), ("Gateway:Routes:users:Scope", null));
        var token = ("authorization", $"Bearer {TestTokens.Of("client:k", change: claims => claims with { Scope = "scan" })}");

        Assert.Equal(200, (await CheckAsync(app, "POST", "/api/v1/scan", token)).Status);
        var refused = await CheckAsync(app, "GET", "/api/v1/users/me", token);
        Assert.Equal((403, "INSUFFICIENT_SCOPE"), (refused.Status, refused.Code));
    }

    /// <summary>The app gets a token and not the key: the answer's Authorization overwrites the client's, and X-API-Key is taken off.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_API_key_is_traded_for_a_token_that_goes_to_the_app(bool ownHeader)
    {
        await using var sidecar = await FakeServer.StartAsync();
        var key = ApiKeyText.Create(Guid.NewGuid().ToString("N")).Text;
        var claims = TestTokens.Claims("owner") with { Provider = "api-key", Sid = ApiKeyText.Parse(key)!.Id, Scope = "scan" };
        var token = TestTokens.Of("owner", change: _ => claims);
        sidecar.Answer = context => context.Response.WriteAsJsonAsync(new ExchangedApiKey(token, DateTimeOffset.FromUnixTimeSeconds(claims.Exp)), TandemJson.Options);
        await using var app = new GatewayApp(sidecar, settings: ("Gateway:ExtAuthz:Port", "0"));
        (string, string)[] given = ownHeader ? [("x-api-key", key), ("authorization", "Bearer somebody else's")] : [("authorization", $"Bearer {key}")];

        var allowed = await CheckAsync(app, "POST", "/api/v1/scan", given);
        var open = await CheckAsync(app, "GET", "/api/v1/models", given);
        var refused = await CheckAsync(app, "DELETE", "/api/v1/users/me", given);
        var wrong = await CheckAsync(app, "POST", "/api/v1/scan", ("x-api-key", key[..^1] + "x"));

        Assert.Equal(["owner", "api-key", claims.Sid, "user"], IdentityHeaders.Select(name => allowed.Headers[name]));
        Assert.All([allowed, open], answer => Assert.Equal((200, $"Bearer {token}"), (answer.Status, answer.Headers["Authorization"])));
        Assert.Contains("X-API-Key", allowed.Headers[CheckAnswer.Remove].Split(','));
        Assert.Equal((403, "INSUFFICIENT_SCOPE"), (refused.Status, refused.Code));
        Assert.Equal((401, "INVALID_API_KEY"), (wrong.Status, wrong.Code));
        // Who brings a token keeps it.
        Assert.False((await CheckAsync(app, "POST", "/api/v1/scan", ("authorization", $"Bearer {app.TokenOf("u1")}"))).Headers.ContainsKey("Authorization"));
    }

    [Fact]
    public async Task Without_auth_an_API_key_is_not_judged()
    {
        await using var app = App(("Gateway:ApiKeys:Timeout", "00:00:00.5"));

        var answer = await CheckAsync(app, "POST", "/api/v1/scan", ("x-api-key", ApiKeyText.Create(Guid.NewGuid().ToString("N")).Text));

        Assert.Equal((503, "IDENTITY_UNAVAILABLE", "1"), (answer.Status, answer.Code, answer.Headers["Retry-After"]));
    }

    /// <summary>Public routes pass with nobody's identity: what a client claims is overwritten, and taken off.</summary>
    [Theory]
    [InlineData("GET", "/api/v1/scan/categories")]
    [InlineData("GET", "/api/v1/images/generated/0123456789abcdef0123456789abcdef.png")]
    [InlineData("GET", "/api/v1/images/metrics")]
    [InlineData("GET", "/api/v1/models")]
    [InlineData("OPTIONS", "/api/v1/users/me")]
    public async Task Nobody_passes_as_somebody(string method, string path)
    {
        await using var app = App();

        var answer = await CheckAsync(
            app, method, path, ("x-user-id", "victim"), ("x-user-roles", "admin"), ("x-user-session", "s"), ("x-auth-provider", "google"), ("dapr-caller-app-id", "gateway"));

        Assert.Equal(200, answer.Status);
        Assert.All(IdentityHeaders, name => Assert.Equal("", answer.Headers[name]));
        Assert.Equal([], IdentityHeaders.Append("dapr-caller-app-id").Except(answer.Headers[CheckAnswer.Remove].Split(',')));
    }

    [Fact]
    public async Task Headers_of_a_client_do_not_speak_for_somebody_else()
    {
        await using var app = App();
        var answer = await CheckAsync(
            app, "GET", "/api/v1/users/me", ("authorization", $"Bearer {app.TokenOf("u1")}"), ("x-user-id", "victim"), ("X-User-ID", "victim"), ("x_user_id", "victim"),
            ("x-user-roles", "admin"), ("x-original-url", "/api/v1/scan/categories"), ("x-envoy-original-path", "/api/v1/models"), ("x-http-method-override", "OPTIONS"));

        Assert.Equal((200, "u1", "user"), (answer.Status, answer.Headers["X-User-ID"], answer.Headers["X-User-Roles"]));
        // A path that another header names is not the one that is asked for.
        Assert.Equal(401, (await CheckAsync(app, "GET", "/api/v1/users/me", ("x-envoy-original-path", "/api/v1/models"), ("x-original-url", "/api/v1/models"), ("x-forwarded-uri", "/api/v1/models"))).Status);
        // Two tokens: Envoy joins them with a comma, a client of its own may not.
        Assert.Equal(401, (await CheckAsync(app, "GET", "/api/v1/users/me", ("authorization", $"Bearer {app.TokenOf("u1")},Bearer x"))).Status);
        Assert.Equal(401, (await CheckAsync(app, "GET", "/api/v1/users/me", ("authorization", $"Bearer {app.TokenOf("u1")}"), ("authorization", "Bearer x"))).Status);
    }

    [Fact]
    public async Task A_write_with_a_cookie_must_come_from_our_own_page()
    {
        await using var app = App();
        var cookie = ("cookie", $"{app.Services.GetRequiredService<IdentityCookies>().Access}={app.TokenOf("u1")}");

        Assert.Equal("CROSS_SITE_REQUEST", (await CheckAsync(app, "POST", "/api/v1/scan", cookie)).Code);
        Assert.Equal("CROSS_SITE_REQUEST", (await CheckAsync(app, "POST", "/api/v1/scan", cookie, ("origin", "https://evil.example"))).Code);
        Assert.Equal("CROSS_SITE_REQUEST", (await CheckAsync(app, "POST", "/api/v1/scan", cookie, ("sec-fetch-site", "cross-site"))).Code);
        Assert.Equal(200, (await CheckAsync(app, "POST", "/api/v1/scan", cookie, ("sec-fetch-site", "same-origin"))).Status);
        Assert.Equal(200, (await CheckAsync(app, "GET", "/api/v1/users/me", cookie)).Status);
        // Envoy ends TLS and says so: the page's origin is https, the check is not.
        Assert.Equal(200, (await CheckAsync(app, "POST", "/api/v1/scan", cookie, ("origin", "https://api.example.com"), ("x-forwarded-proto", "https"))).Status);
    }

    [Fact]
    public async Task A_page_of_an_allowed_origin_can_read_why_it_was_refused()
    {
        await using var app = App(("Gateway:Cors:Origins:0", "https://app.example"));

        var answer = await CheckAsync(app, "GET", "/api/v1/users/me", ("origin", "https://app.example"));
        Assert.Equal((401, "https://app.example", "true"), (answer.Status, answer.Headers["Access-Control-Allow-Origin"], answer.Headers["Access-Control-Allow-Credentials"]));
        Assert.False((await CheckAsync(app, "GET", "/api/v1/users/me", ("origin", "https://evil.example"))).Headers.ContainsKey("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task While_keys_or_revocations_are_not_known_nobody_is_let_in()
    {
        await using var app = App();
        var token = ("authorization", $"Bearer {app.TokenOf("u1")}");
        app.Services.GetRequiredService<RevokedTokens>().AreKnown = false;

        var answer = await CheckAsync(app, "GET", "/api/v1/users/me", token);
        Assert.Equal((503, "IDENTITY_UNAVAILABLE", "1"), (answer.Status, answer.Code, answer.Headers["Retry-After"]));
        Assert.Equal(200, (await CheckAsync(app, "GET", "/api/v1/models", token)).Status);

        await using var keyless = App((TestTokens.Setting, ""));
        Assert.Equal((503, "IDENTITY_UNAVAILABLE"), await CheckAsync(keyless, "GET", "/api/v1/users/me", token) is { } refused ? (refused.Status, refused.Code) : default);
    }

    /// <summary>With <c>with_request_body</c> the body comes along; it decides nothing.</summary>
    [Fact]
    public async Task A_body_changes_nothing()
    {
        await using var app = App();
        var answer = await CheckAsync(
            app, "POST", "/api/v1/scan", "{\"a\":1}", ("authorization", $"Bearer {app.TokenOf("u1")}"), ("x-envoy-auth-partial-body", "false"));

        Assert.Equal(200, answer.Status);
    }

    [Fact]
    public async Task The_port_is_off_by_default_and_serves_nothing_but_checks()
    {
        await using var off = new GatewayApp();
        Assert.Null(off.Services.GetRequiredService<ExtAuthzListener>().Address);

        await using var app = App();
        using var client = app.Client();
        // The other way round: the gateway's own port answers as ever.
        using var response = await client.GetAsync("/api/v1/users/me");
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.False(response.Headers.Contains(CheckAnswer.Remove));
        Assert.Equal(404, (await CheckAsync(app, "GET", "/readyz")).Status);
    }

    private static GatewayApp App(params (string Name, string? Value)[] settings) => new(settings: [("Gateway:ExtAuthz:Port", "0"), .. settings]);

    private static Task<Answer> CheckAsync(GatewayApp app, string method, string path, params (string Name, string Value)[] headers) =>
        CheckAsync(app, method, path, "", headers);

    /// <summary>The bytes that Envoy sends: header names in lower case, the client's host, its own headers, a length of 0.</summary>
    private static Task<Answer> CheckAsync(GatewayApp app, string method, string path, string body, params (string Name, string Value)[] headers) => SendAsync(
        app.Services.GetRequiredService<ExtAuthzListener>().Address!.Port, method, path, body,
        [
            ("host", "api.example.com"), .. headers, ("content-length", body.Length.ToString("D")), ("x-envoy-internal", "true"), ("x-envoy-expected-rq-timeout-ms", "200"),
            ("x-forwarded-for", "203.0.113.7"), ("x-request-id", "5f9c6c1e-0000-4000-8000-000000000001"),
        ]);

    private static async Task<int> GatewayStatusAsync(GatewayApp app, string method, string path, (string Name, string Value)[] headers) =>
        path.StartsWith("/api", StringComparison.Ordinal) || path.StartsWith("/internal", StringComparison.Ordinal) || path.StartsWith("/v1.0", StringComparison.Ordinal)
            ? (await SendAsync(app.ClientOptions.BaseAddress.Port, method, path, "", [("host", "localhost"), .. headers, ("content-length", "0")])).Status
            // Pages and what answers to others than clients: nothing for Envoy.
            : 404;

    private static async Task<Answer> SendAsync(int port, string method, string path, string body, (string Name, string Value)[] headers)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, port);
        await using var stream = tcp.GetStream();
        var head = new StringBuilder($"{method} {path} HTTP/1.1\r\n");
        foreach (var (name, value) in headers)
        {
            head.Append($"{name}: {value}\r\n");
        }

        await stream.WriteAsync(Encoding.Latin1.GetBytes($"{head}connection: close\r\n\r\n{body}"));
        using var reader = new StreamReader(stream);
        var text = await reader.ReadToEndAsync().WaitAsync(GatewayApp.Patience);
        var parts = text.Split("\r\n\r\n", 2);
        var lines = parts[0].Split("\r\n");
        var answered = lines[1..].Select(line => line.Split(':', 2)).ToLookup(line => line[0], line => line[1].Trim(), StringComparer.OrdinalIgnoreCase);
        return new Answer(
            int.Parse(lines[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture),
            answered.ToDictionary(header => header.Key, header => string.Join(',', header), StringComparer.OrdinalIgnoreCase), parts[1]);
    }

    private sealed record Answer(int Status, Dictionary<string, string> Headers, string Body)
    {
        /// <summary>Of the problem, whatever the framing.</summary>
        public string? Code => Body.IndexOf('{', StringComparison.Ordinal) is >= 0 and var start
            ? JsonElement.Parse(Body[start..(Body.LastIndexOf('}') + 1)]).GetProperty("code").GetString()
            : null;
    }
}
