using System.Net;
using System.Text;
using Gateway.Security;

namespace Gateway.Tests;

/// <summary>Slow, oversized and ambiguous requests, over raw sockets.</summary>
public sealed class ServerLimitTests
{
    private static string Post(GatewayApp app, string headers, string body = "") =>
        $"POST /api/v1/users/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {app.TokenOf("u1")}\r\n{headers}\r\n{body}";

    /// <summary>One request that a second reader could take for two: it must not be answered as two, and nothing reaches the app.</summary>
    [Theory]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")]
    [InlineData("Content-Length: 5\r\nContent-Length: 6\r\n", "abcdef")]
    [InlineData("Content-Length: 5, 5\r\n", "abcde")]
    [InlineData("Content-Length: -1\r\n", "")]
    [InlineData("Content-Length: 0x5\r\n", "abcde")]
    [InlineData("Content-Length : 5\r\n", "abcde")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n")]
    [InlineData("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n")]
    [InlineData("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")]
    [InlineData("X-A: b\r\n Content-Length: 5\r\n", "abcde")]
    [InlineData("X-A: b\r\n\tContent-Length: 5\r\n", "abcde")]
    [InlineData("X-A: b\rContent-Length: 5\r\n", "abcde")]
    [InlineData("X-A: b\0c\r\n", "")]
    [InlineData("Transfer-Encoding: chunked\r\n", "1;a\n=b\r\nx\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n", "1;a\r=b\r\nx\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n", "1\nx\n0\n\n")]
    [InlineData("Transfer-Encoding: chunked\r\n", "-1\r\nx\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n", "0x1\r\nx\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n", "1\r\nxy\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nx\r\n0\r\n\r\n")]
    public async Task A_request_with_two_ends_is_refused_and_ends_its_connection(string headers, string body)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);
        await using var raw = await RawHttp.ConnectAsync(app);
        await raw.SendAsync(Post(app, headers, body));
        Assert.Equal(400, await raw.StatusAsync());
        Assert.DoesNotContain("HTTP/1.1", await raw.ToEndAsync(), StringComparison.Ordinal);
        Assert.Empty(sidecar.Requests);
    }

    [Theory]
    [InlineData("GET /api/v1/models HTTP/1.1\nHost: localhost\n\n")]
    [InlineData("GET /api/v1/models HTTP/1.1\r\nHost: localhost\nX-A: b\r\n\r\n")]
    [InlineData("GET /api/v1/models HTTP/1.1\r\n\r\n")]
    [InlineData("GET /api/v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")]
    [InlineData("GET  /api/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    public async Task A_malformed_head_is_refused(string head)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);
        await using var raw = await RawHttp.ConnectAsync(app);
        await raw.SendAsync(head);
        Assert.Equal(400, await raw.StatusAsync());
        Assert.Empty(sidecar.Requests);
    }

    [Fact]
    public async Task Chunks_with_extensions_are_read_and_not_passed_on()
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);
        await using var raw = await RawHttp.ConnectAsync(app);
        await raw.SendAsync(Post(app, "Transfer-Encoding: chunked\r\nConnection: close\r\n", "3;a=b\r\nabc\r\n0\r\n\r\n"));
        Assert.Equal(200, await raw.StatusAsync());
        var received = Assert.Single(sidecar.Requests);
        Assert.Equal(("abc", 3L), (Encoding.ASCII.GetString(received.Body), received.Headers.ContentLength));
    }

    [Fact]
    public async Task Chunks_above_the_limit_are_refused_while_they_come()
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar, settings: ("Gateway:MaxBodyBytes", "1000"));
        await using var raw = await RawHttp.ConnectAsync(app);
        // The last chunk never comes: who waits for the end waits for ever.
        await raw.SendAsync(Post(app, "Transfer-Encoding: chunked\r\n", $"7d0\r\n{new string('x', 2000)}\r\n"));
        Assert.Equal(413, await raw.StatusAsync());
    }

    [Fact]
    public async Task A_head_that_comes_byte_by_byte_is_cut_off()
    {
        await using var app = new GatewayApp(settings: ("Gateway:Server:HeadersTimeout", "00:00:01"));
        await using var raw = await RawHttp.ConnectAsync(app);
        await raw.SendAsync("GET /api/v1/models HTTP/1.1\r\nHost: localhost\r\nX-A: ");
        Assert.Equal(408, await raw.StatusAsync());
    }

    [Fact]
    public async Task A_body_that_comes_too_slowly_is_refused_and_does_not_reach_the_app()
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar, settings: [("Gateway:Server:MinBodyRate", "1000"), ("Gateway:Server:BodyGrace", "00:00:01.1")]);
        await using var raw = await RawHttp.ConnectAsync(app);
        await raw.SendAsync(Post(app, "Content-Length: 500\r\n", "{"));
        Assert.Equal(408, await raw.StatusAsync());
        Assert.Contains("REQUEST_TIMEOUT", await raw.ToEndAsync(), StringComparison.Ordinal);
        Assert.Empty(sidecar.Requests);
    }

    [Theory]
    [InlineData(9000, 1, 10, 414)]
    [InlineData(10, 120, 10, 431)]
    [InlineData(10, 10, 4000, 431)]
    [InlineData(10, 10, 1000, 400)]
    public async Task Heads_have_limits(int path, int headers, int length, int expected)
    {
        await using var app = new GatewayApp();
        await using var raw = await RawHttp.ConnectAsync(app);
        var lines = string.Concat(Enumerable.Range(0, headers).Select(i => $"X-{i}: {new string('a', length)}\r\n"));
        // 400: within all limits the path is read, and this one is ambiguous.
        await raw.SendAsync($"GET /%2e{new string('a', path)} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n");
        Assert.Equal(expected, await raw.StatusAsync());
    }

    [Fact]
    public async Task Connections_above_the_limit_are_closed()
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar, settings: ("Gateway:Server:MaxConnections", "1"));
        await using var first = await RawHttp.ConnectAsync(app);
        await first.SendAsync("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.Equal(200, await first.StatusAsync());
        await using var second = await RawHttp.ConnectAsync(app);
        Assert.Equal("", await second.ToEndAsync());
    }

    [Theory]
    [InlineData("https", "/api/v1/models", 200)]
    [InlineData("http", "/api/v1/models", 403)]
    [InlineData("http", "/api/v1/unknown", 403)]
    [InlineData("http", "/?x=1", 308)]
    [InlineData("http", "/healthz/live", 200)]
    public async Task Plain_http_from_outside_is_for_nobody_in_production(string scheme, string path, int expected)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar, environment: "Production", settings: ("Gateway:TrustedProxies:0", "127.0.0.1"));
        using var client = app.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("X-Forwarded-For", "203.0.113.1");
        request.Headers.Add("X-Forwarded-Proto", scheme);
        request.Headers.Host = "app.example";
        using var response = await client.SendAsync(request);

        Assert.Equal(expected, (int)response.StatusCode);
        Assert.Equal(scheme == "https", response.Headers.TryGetValues("Strict-Transport-Security", out _));
        if (expected == 308)
        {
            Assert.Equal("https://app.example/?x=1", response.Headers.Location?.OriginalString);
        }

        if (expected == 403)
        {
            Assert.Equal("HTTPS_REQUIRED", await GatewayApp.CodeOf(response));
            Assert.Empty(sidecar.Requests);
        }

        // The sidecar of this machine speaks HTTP.
        using var inside = await client.GetAsync("/api/v1/models");
        Assert.Equal(HttpStatusCode.OK, inside.StatusCode);
    }

    [Theory]
    [InlineData("true", "canary")]
    [InlineData("True", "canary")]
    [InlineData("false", "stable")]
    [InlineData(null, "stable")]
    public async Task The_canary_header_chooses_where_there_are_canaries(string? header, string expected)
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var stable = await FakeServer.StartAsync();
        await using var canary = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar, settings:
            [("Gateway:CanaryApps:0", "scan"), ("services:sse:http:0", stable.Url), ("services:sse:canary:http:0", canary.Url)]);
        using var client = app.Client(bearerOf: "u1");
        if (header is not null)
        {
            client.DefaultRequestHeaders.Add("x-canary", header);
        }

        using var stream = await client.GetAsync("/api/v1/stream");
        using var scans = await client.GetAsync("/api/v1/scan");
        using var me = await client.GetAsync("/api/v1/users/me");

        var chosen = Assert.Single((expected == "canary" ? canary : stable).Requests);
        Assert.Equal(expected == "canary" ? "true" : "", chosen.Headers["X-Canary"].ToString());
        Assert.Equal(
            [$"/v1.0/invoke/{(expected == "canary" ? "scan-canary" : "scan")}/method/api/v1/scan", "/v1.0/invoke/users/method/api/v1/users/me"],
            sidecar.Requests.Select(request => request.Path));
        Assert.False(sidecar.Requests.Last().Headers.ContainsKey("X-Canary"));
    }

    [Fact]
    public void Proxies_are_addresses_or_networks()
    {
        var options = new GatewayOptions { TrustedProxies = ["10.0.0.0/8", "2001:db8::/32", "127.0.0.1", "proxy", "10.0.0.1/8/8"] };
        Assert.Equal(2, options.Validate(new System.ComponentModel.DataAnnotations.ValidationContext(options)).Count());
        Assert.Equal(20_000, new ServerOptions().MaxConnections);
    }
}
