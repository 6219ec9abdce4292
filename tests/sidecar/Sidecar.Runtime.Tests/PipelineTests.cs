using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;
using Sidecar.Api.Tests;

namespace Sidecar.Runtime.Tests;

/// <summary>httpPipeline and appHttpPipeline with the middleware of this build.</summary>
public sealed class PipelineTests : IDisposable
{
    private const string Audience = "orders-api";

    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private int _keyReads;

    public void Dispose()
    {
        _rsa.Dispose();
        _curve.Dispose();
    }

    [Theory]
    [InlineData("RS256", "", true)]
    [InlineData("ES256", "", true)]
    [InlineData("none", "", false)]
    [InlineData("HS256", "", false)]
    [InlineData("RS256", "issuer", false)]
    [InlineData("RS256", "audience", false)]
    [InlineData("RS256", "expired", false)]
    [InlineData("RS256", "early", false)]
    [InlineData("RS256", "signature", false)]
    [InlineData("RS256", "kid", false)]
    [InlineData("RS256", "crit", false)]
    [InlineData("RS256", "curve-key", false)]
    public async Task A_token_of_the_issuer_for_the_audience_opens_the_api(string algorithm, string flaw, bool accepted)
    {
        await using var run = await BearerAsync("httpPipeline");
        using var http = run.Client();

        using var response = await http.SendAsync(Get("/v1.0/metadata", Token(Issuer(run), algorithm, flaw)));

        Assert.Equal(accepted ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Without_a_token_only_health_is_answered()
    {
        await using var run = await BearerAsync("httpPipeline");
        using var http = run.Client();

        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("/v1.0/metadata")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.SendAsync(Get("/v1.0/metadata", "not.a.token"))).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await http.GetAsync("/v1.0/healthz/outbound")).StatusCode);
    }

    [Fact]
    public async Task Keys_are_read_once_and_forged_ids_do_not_read_them_again()
    {
        // The clock stands still: keys do not become old enough to be read again.
        await using var run = await BearerAsync("httpPipeline", new TestKit.ManualTimeProvider(TimeProvider.System.GetUtcNow()));
        using var http = run.Client();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async index =>
        {
            using var response = await http.SendAsync(Get("/v1.0/metadata", Token(Issuer(run), "RS256", index % 2 == 0 ? "" : "kid")));
            Assert.Equal(index % 2 == 0 ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, response.StatusCode);
        }));

        Assert.Equal(1, _keyReads);
    }

    [Fact]
    public async Task The_app_pipeline_stands_before_the_app()
    {
        await using var run = await BearerAsync("appHttpPipeline");
        using var http = run.Client();

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/v1.0/metadata")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("/v1.0/invoke/issuer/method/hello")).StatusCode);
        using var response = await http.SendAsync(Get("/v1.0/invoke/issuer/method/hello", Token(Issuer(run), "ES256", "")));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_client_gets_as_many_requests_a_second_as_the_limit_says()
    {
        var clock = new TestKit.ManualTimeProvider();
        await using var run = Configured("httpPipeline", "limit", "middleware.http.ratelimit").Component("limit", "middleware.http.ratelimit", "maxRequestsPerSecond=4");
        await run.AppAsync("app", configuration: "c.yaml");
        await run.StartAsync(clock);
        using var http = run.Client();

        Assert.Equal("200 200 200 200 429", await StatusesAsync(http, 5));
        clock.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Equal("200 429", await StatusesAsync(http, 2));
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal("200 200 200 200 429", await StatusesAsync(http, 5));
    }

    [Fact]
    public async Task Routes_are_checked_and_renamed_in_the_order_of_the_handlers()
    {
        await using var run = Configured("httpPipeline", "check", "middleware.http.routerchecker", "alias", "middleware.http.routeralias")
            .Component("check", "middleware.http.routerchecker", "rule=^/(v1.0|orders)/")
            .Yaml("alias.yaml", """
                kind: Component
                metadata: {name: alias}
                spec: {type: middleware.http.routeralias, version: v1, metadata: [{name: routes, value: '{"/orders/{id}": "/v1.0/invoke/app/method/order"}'}]}
                """);
        await run.AppAsync("app", app => app.MapGet("/order", (HttpRequest request) => request.QueryString.Value), configuration: "c.yaml");
        await run.StartAsync();
        using var http = run.Client();

        Assert.Equal("?q=1&id=7", await http.GetStringAsync("/orders/7?q=1"));
        Assert.Equal(HttpStatusCode.BadRequest, (await http.GetAsync("/others/7")).StatusCode);
    }

    [Theory]
    [InlineData("spec: {httpPipeline: {handlers: [{name: gone, type: middleware.http.bearer}]}}", "spec.httpPipeline of the Configuration names 'gone' of type middleware.http.bearer, but no such middleware component is in the app's scope")]
    [InlineData("spec: {appHttpPipeline: {handlers: [{name: gone, type: middleware.http.opa}]}}", "spec.appHttpPipeline of the Configuration names 'gone' of type middleware.http.opa")]
    [InlineData("spec: {httpPipeline: {handlers: [{name: gone}]}}", "a handler of spec.httpPipeline lacks name or type")]
    public async Task A_handler_that_is_not_there_stops_the_start(string spec, string problem)
    {
        await using var run = new TestRun().Yaml("c.yaml", $"kind: Configuration\n{spec}\n");
        await run.AppAsync("app", configuration: "c.yaml");

        Assert.Contains(problem, (await Assert.ThrowsAsync<ComponentException>(() => run.StartAsync())).Message, StringComparison.Ordinal);
    }

    private static TestRun Configured(string part, params string[] namesAndTypes) => new TestRun().Yaml(
        "c.yaml",
        $"kind: Configuration\nspec: {{{part}: {{handlers: [{string.Join(", ", namesAndTypes.Chunk(2).Select(pair => $"{{name: {pair[0]}, type: {pair[1]}}}"))}]}}}}\n");

    /// <summary>One app that is issuer and callee; its keys are found by discovery.</summary>
    private async Task<TestRun> BearerAsync(string part, TimeProvider? time = null)
    {
        var run = Configured(part, "auth", "middleware.http.bearer");
        await run.AppAsync(
            "issuer",
            app =>
            {
                app.MapGet("/.well-known/openid-configuration", (HttpRequest request) => Results.Json(new { jwks_uri = $"http://{request.Host}/keys" }));
                app.MapGet("/keys", () =>
                {
                    Interlocked.Increment(ref _keyReads);
                    return Results.Text(KeySet(), "application/json");
                });
                app.MapGet("/hello", () => "hello");
            },
            configuration: "c.yaml");
        run.Component("auth", "middleware.http.bearer", $"issuer={Issuer(run)};audience={Audience}");
        return await run.StartAsync(time);
    }

    private static string Issuer(TestRun run) => run.App(0).Urls.Single();

    private string KeySet()
    {
        var rsa = _rsa.ExportParameters(false);
        var curve = _curve.ExportParameters(false);
        return JsonSerializer.Serialize(new
        {
            keys = new object[]
            {
                new { kty = "oct", kid = "shared", k = Encode("secret"u8) },
                new { kty = "RSA", kid = "rsa", use = "sig", n = Encode(rsa.Modulus), e = Encode(rsa.Exponent) },
                new { kty = "EC", kid = "curve", alg = "ES256", crv = "P-256", x = Encode(curve.Q.X), y = Encode(curve.Q.Y) },
            },
        });
    }

    private string Token(string issuer, string algorithm, string flaw)
    {
        var now = TimeProvider.System.GetUtcNow();
        var header = new Dictionary<string, object>
        {
            ["alg"] = algorithm,
            ["kid"] = flaw switch { "kid" => Guid.NewGuid().ToString(), "curve-key" => "curve", _ => algorithm switch { "ES256" => "curve", "HS256" => "shared", _ => "rsa" } },
        };
        if (flaw == "crit")
        {
            header["crit"] = new[] { "exp" };
        }

        var claims = JsonSerializer.Serialize(new
        {
            iss = flaw == "issuer" ? "http://other" : issuer,
            aud = flaw == "audience" ? new[] { "others" } : [Audience, "others"],
            exp = (flaw == "expired" ? now.AddMinutes(-2) : now.AddMinutes(5)).ToUnixTimeSeconds(),
            nbf = (flaw == "early" ? now.AddMinutes(2) : now).ToUnixTimeSeconds(),
        });
        var data = $"{Encode(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(header)))}.{Encode(Encoding.UTF8.GetBytes(claims))}";
        var bytes = Encoding.ASCII.GetBytes(data);
        var signature = algorithm switch
        {
            "ES256" => _curve.SignData(bytes, HashAlgorithmName.SHA256),
            // The public key as a shared secret: what a confused verifier would accept.
            "HS256" => HMACSHA256.HashData(_rsa.ExportRSAPublicKey(), bytes),
            "none" => [],
            _ => _rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        };
        if (flaw == "signature")
        {
            signature[10] ^= 1;
        }

        return $"{data}.{Encode(signature)}";
    }

    private static async Task<string> StatusesAsync(HttpClient http, int count)
    {
        var statuses = new List<int>();
        for (var index = 0; index < count; index++)
        {
            using var response = await http.GetAsync("/v1.0/metadata");
            statuses.Add((int)response.StatusCode);
        }

        return string.Join(' ', statuses);
    }

    private static HttpRequestMessage Get(string path, string token) =>
        new(HttpMethod.Get, path) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };

    private static string Encode(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);
}
