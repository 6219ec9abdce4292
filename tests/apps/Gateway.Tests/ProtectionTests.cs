using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Gateway.Forwarding;

namespace Gateway.Tests;

/// <summary>What never passes the gateway.</summary>
public sealed class ProtectionTests
{
    [Theory]
    [InlineData("POST", "/api/v1/jobs/1/log", "GET")]
    [InlineData("DELETE", "/api/v1/stream", "GET")]
    [InlineData("GET", "/api/v1/images/upload/scan/a.png", "PUT")]
    public async Task A_method_that_a_path_does_not_have_is_not_allowed(string method, string path, string allowed)
    {
        await using var app = new GatewayApp();
        using var client = app.Client(bearerOf: "u1");
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await client.SendAsync(request);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal("METHOD_NOT_ALLOWED", await GatewayApp.CodeOf(response));
        Assert.Equal([allowed], response.Content.Headers.Allow);
    }

    [Fact]
    public async Task Identity_comes_from_the_token_alone()
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);
        using var client = app.Client(bearerOf: "u1");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/users/me?x=1");
        foreach (var header in new[]
        {
            "X-User-ID", "x_user_id", "X-User-Role", "X-Auth-Provider", "X-Provider", "dapr-caller-app-id", "dapr-app-id", "dapr-api-token",
            "X-Forwarded-For", "X-Forwarded-User", "X-User-Address", "Forwarded", "X-Request-ID", "X-Internal", "Origin",
        })
        {
            request.Headers.TryAddWithoutValidation(header, "evil");
        }

        request.Headers.TryAddWithoutValidation("Connection", "X-Internal");
        request.Headers.Add("Accept-Language", "ko");
        using var response = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);

        Assert.True(sidecar.Requests.TryDequeue(out var received));
        Assert.Equal("/v1.0/invoke/users/method/api/v1/users/me?x=1", received.Path);
        Assert.Equal("u1", received.Headers["X-User-ID"]);
        Assert.Equal("sidecar-token", received.Headers["dapr-api-token"]);
        Assert.Equal("ko", received.Headers.AcceptLanguage);
        Assert.DoesNotContain(received.Headers, header => header.Value.ToString().Contains("evil", StringComparison.Ordinal));
        Assert.DoesNotContain(received.Headers, header => header.Key is "Authorization" or "Cookie");
        Assert.Equal(response.Headers.GetValues("X-Request-ID").Single(), received.Headers["X-Request-ID"]);
    }

    [Theory]
    [InlineData("X-USER-ID")]
    [InlineData("X_User_Role")]
    [InlineData("Dapr-Caller-App-Id")]
    [InlineData("x-forwarded-anything")]
    [InlineData("Transfer-Encoding")]
    public void Header_that_speaks_for_someone_else_is_dropped(string name) => Assert.False(ForwardedHeaders.Passes(name));

    [Fact]
    public async Task Nobody_passes_without_a_valid_token()
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);
        using var client = app.Client();
        client.DefaultRequestHeaders.Add("X-User-ID", "u1");
        using var missing = await client.GetAsync("/api/v1/users/me");
        Assert.Equal((HttpStatusCode.Unauthorized, "UNAUTHORIZED"), (missing.StatusCode, await GatewayApp.CodeOf(missing)));
        client.DefaultRequestHeaders.Add("Authorization", "Bearer forged");
        using var forged = await client.GetAsync("/api/v1/users/me");
        Assert.Equal(HttpStatusCode.Unauthorized, forged.StatusCode);
        Assert.Empty(sidecar.Requests);
        using var open = await client.GetAsync("/api/v1/scan/categories");
        Assert.Equal(HttpStatusCode.OK, open.StatusCode);
        Assert.False(sidecar.Requests.Single().Headers.ContainsKey("X-User-ID"));
    }

    [Fact]
    public async Task The_list_of_models_is_for_everybody_and_read_only()
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);
        using var client = app.Client();

        using var listed = await client.GetAsync("/api/v1/models");
        using var written = await client.PostAsync("/api/v1/models", content: null);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.MethodNotAllowed), (listed.StatusCode, written.StatusCode));
        Assert.Equal("/v1.0/invoke/scan-worker/method/api/v1/models", Assert.Single(sidecar.Requests).Path);
    }

    [Theory]
    [InlineData("/api/v1/internal/characters", HttpStatusCode.NotFound)]
    [InlineData("/api/v1/INTERNAL/characters", HttpStatusCode.NotFound)]
    [InlineData("/internal/characters/match", HttpStatusCode.NotFound)]
    [InlineData("/v1.0/invoke/users/method/internal", HttpStatusCode.NotFound)]
    [InlineData("/api/v1/unknown", HttpStatusCode.NotFound)]
    [InlineData("/api/v1/users/..%2finternal/x", HttpStatusCode.BadRequest)]
    [InlineData("/api/v1/users/%2e%2e/internal/x", HttpStatusCode.BadRequest)]
    [InlineData("/api/v1/users/%252e%252e/internal/x", HttpStatusCode.BadRequest)]
    [InlineData("/api/v1/users/../internal/x", HttpStatusCode.BadRequest)]
    [InlineData("/api/v1/users//../internal", HttpStatusCode.BadRequest)]
    public async Task Internal_and_ambiguous_paths_lead_nowhere(string path, HttpStatusCode expected)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);
        Assert.Equal((int)expected, await RawStatusAsync(app, $"GET {path} HTTP/1.1\r\nAuthorization: Bearer {app.TokenOf("u1")}"));
        Assert.Empty(sidecar.Requests);
    }

    [Theory]
    [InlineData(null, null, false)]
    [InlineData("cross-site", null, false)]
    [InlineData("same-site", null, false)]
    [InlineData("cross-site", "own", false)]
    [InlineData(null, "https://evil.example", false)]
    [InlineData(null, "null", false)]
    [InlineData("same-origin", null, true)]
    [InlineData("none", null, true)]
    [InlineData(null, "own", true)]
    public async Task Write_with_a_cookie_must_come_from_our_own_page(string? site, string? origin, bool passes)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);
        using var client = app.Client(cookieOf: "u1");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/scan") { Content = JsonContent.Create(new { a = 1 }) };
        if (site is not null)
        {
            request.Headers.Add("Sec-Fetch-Site", site);
        }

        if (origin is not null)
        {
            request.Headers.Add("Origin", origin == "own" ? client.BaseAddress!.GetLeftPart(UriPartial.Authority) : origin);
        }

        using var response = await client.SendAsync(request);
        Assert.Equal(passes ? HttpStatusCode.OK : HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal(passes ? 1 : 0, sidecar.Requests.Count);

        using var read = await client.GetAsync("/api/v1/scan/x/result");
        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        using var bearer = app.Client(bearerOf: "u1");
        using var write = await bearer.PostAsJsonAsync("/api/v1/scan", new { a = 1 });
        Assert.Equal(HttpStatusCode.OK, write.StatusCode);
    }

    [Fact]
    public async Task Body_above_the_routes_limit_is_refused_with_and_without_a_length()
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);
        using var client = app.Client(bearerOf: "u1");
        // The answer is awaited before the body is sent.
        client.DefaultRequestHeaders.ExpectContinue = true;
        using var known = await client.PostAsync("/api/v1/scan", new ByteArrayContent(new byte[1024 * 1024 + 1]));
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "BODY_TOO_LARGE"), (known.StatusCode, await GatewayApp.CodeOf(known)));
        Assert.Empty(sidecar.Requests);

        // No more than what has to be read before it is refused: a client that is still sending then may find its connection broken.
        await using var raw = await RawHttp.ConnectAsync(app);
        await raw.SendAsync(
            $"POST /api/v1/scan HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {app.TokenOf("u1")}\r\nTransfer-Encoding: chunked\r\n\r\n"
            + $"100001\r\n{new string('x', 0x100001)}");
        Assert.Equal(413, await raw.StatusAsync());
        var refused = await raw.ToEndAsync();
        Assert.Contains("application/problem+json", refused, StringComparison.Ordinal);
        Assert.Contains("\"BODY_TOO_LARGE\"", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_built_yet_says_so()
    {
        await using var app = new GatewayApp();
        using var client = app.Client();
        foreach (var path in new[] { "/api/v1/chat", "/api/v1/chat/x/messages", "/api/v1/story/1", "/api/v1/info/news" })
        {
            using var response = await client.GetAsync(path);
            Assert.Equal((HttpStatusCode.NotImplemented, "NOT_IMPLEMENTED"), (response.StatusCode, await GatewayApp.CodeOf(response)));
        }
    }

    [Fact]
    public async Task Answers_carry_the_headers_that_browsers_act_on()
    {
        await using var app = new GatewayApp();
        using var client = app.Client();
        using var response = await client.GetAsync("/api/v1/unknown");
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Contains("default-src 'none'", response.Headers.GetValues("Content-Security-Policy").Single());

        Assert.SkipUnless(File.Exists(Path.Combine(AppContext.BaseDirectory, "pages", "index.html")), "apps/web has no pages");
        using var page = await client.GetAsync("/");
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        var policy = page.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("script-src 'self'", policy);
        Assert.DoesNotContain("https:", policy);

        // Only where products are shown, and only pictures, and those of one server.
        using var desk = await client.GetAsync("/desk/");
        Assert.Equal("text/html", desk.Content.Headers.ContentType?.MediaType);
        Assert.Equal(
            policy.Replace("blob:;", "blob: https://shopping-phinf.pstatic.net;", StringComparison.Ordinal), desk.Headers.GetValues("Content-Security-Policy").Single());
    }

    [Fact]
    public async Task Pages_may_send_to_the_named_buckets_and_nowhere_else()
    {
        const string Bucket = "https://tandem-objects.s3.eu-central-1.amazonaws.com";
        await using var app = new GatewayApp(settings: [("Gateway:UploadOrigins:0", Bucket)]);
        await using var plain = new GatewayApp();
        using var client = app.Client();
        using var without = plain.Client();

        foreach (var path in new[] { "/", "/desk/" })
        {
            using var page = await client.GetAsync(path);
            using var before = await without.GetAsync(path);
            Assert.Equal(
                before.Headers.GetValues("Content-Security-Policy").Single().Replace("connect-src 'self'", $"connect-src 'self' {Bucket}", StringComparison.Ordinal),
                page.Headers.GetValues("Content-Security-Policy").Single());
        }

        using var answer = await client.GetAsync("/api/v1/unknown");
        Assert.DoesNotContain(Bucket, answer.Headers.GetValues("Content-Security-Policy").Single());
        foreach (var origin in new[] { "*", Bucket + "/", "https://bucket.example; script-src *" })
        {
            Assert.NotEmpty(new GatewayOptions { UploadOrigins = [origin] }.Validate(new System.ComponentModel.DataAnnotations.ValidationContext(origin)));
        }
    }

    /// <summary>Sends a request line as it is: HttpClient would clean the path.</summary>
    private static async Task<int> RawStatusAsync(GatewayApp app, string head)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, app.ClientOptions.BaseAddress.Port);
        await using var stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream);
        var status = await reader.ReadLineAsync().WaitAsync(GatewayApp.Patience);
        return int.Parse(status!.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
