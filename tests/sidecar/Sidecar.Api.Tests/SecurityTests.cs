using System.Net;

namespace Sidecar.Api.Tests;

public sealed class SecurityTests
{
    private static async Task<TestRun> StartAsync()
    {
        var run = new TestRun().Component("store", "state.in-memory");
        await run.AppAsync("a", apiToken: "secret");
        return await run.StartAsync();
    }

    private static async Task<HttpStatusCode> GetAsync(HttpClient http, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await http.SendAsync(request);
        return response.StatusCode;
    }

    [Fact]
    public async Task The_token_is_asked_for_everywhere_but_health()
    {
        await using var run = await StartAsync();
        using var http = run.Client();

        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(http, "/v1.0/state/store/k"));
        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(http, "/v1.0/state/store/k", ("dapr-api-token", "wrong")));
        Assert.Equal(HttpStatusCode.NoContent, await GetAsync(http, "/v1.0/state/store/k", ("dapr-api-token", "secret")));
        Assert.Equal(HttpStatusCode.NoContent, await GetAsync(http, "/v1.0/healthz"));
        Assert.Equal(HttpStatusCode.NoContent, await GetAsync(http, "/v1.0/healthz/outbound"));
    }

    [Fact]
    public async Task Foreign_hosts_and_origins_are_refused_even_with_the_token()
    {
        await using var run = await StartAsync();
        using var http = run.Client();

        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(http, "/v1.0/state/store/k", ("dapr-api-token", "secret"), ("Host", "evil.example")));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(http, "/v1.0/state/store/k", ("dapr-api-token", "secret"), ("Origin", "http://evil.example")));
        Assert.Equal(HttpStatusCode.NoContent, await GetAsync(http, "/v1.0/state/store/k", ("dapr-api-token", "secret"), ("Origin", "http://localhost:8080")));
    }

    /// <summary>What a page of another site can send without asking first: forms, text/plain, no-cors fetches, beacons.</summary>
    [Theory]
    [InlineData("https://evil.example", "text/plain", null, HttpStatusCode.Forbidden)]
    [InlineData("https://evil.example", "application/x-www-form-urlencoded", null, HttpStatusCode.Forbidden)]
    [InlineData("https://evil.example", "multipart/form-data; boundary=x", null, HttpStatusCode.Forbidden)]
    [InlineData("null", "text/plain", null, HttpStatusCode.Forbidden)]
    [InlineData("https://localhost.evil.example", "text/plain", null, HttpStatusCode.Forbidden)]
    // A name of the attacker's that leads here.
    [InlineData("http://rebound.example", "text/plain", "rebound.example", HttpStatusCode.Forbidden)]
    [InlineData(null, "text/plain", "rebound.example", HttpStatusCode.Forbidden)]
    // A page of this machine passes for local and has no token; neither has a browser that hides the origin.
    [InlineData("http://localhost:3000", "text/plain", null, HttpStatusCode.Unauthorized)]
    [InlineData(null, "application/x-www-form-urlencoded", null, HttpStatusCode.Unauthorized)]
    public async Task A_page_that_posts_here_changes_nothing(string? origin, string contentType, string? host, HttpStatusCode expected)
    {
        await using var run = await StartAsync();
        using var http = run.Client();
        foreach (var path in new[] { "/v1.0/state/store", "/v1.0/publish/bus/t", "/v1.0/invoke/a/method/x", "/v1.0/shutdown", "/v1.0/metadata/k" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent("[{\"key\":\"k\",\"value\":1}]") };
            request.Content.Headers.Remove("Content-Type");
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
            request.Headers.TryAddWithoutValidation("Sec-Fetch-Mode", "no-cors");
            foreach (var (name, value) in new[] { ("Origin", origin), ("Host", host) })
            {
                if (value is not null)
                {
                    request.Headers.TryAddWithoutValidation(name, value);
                }
            }

            using var response = await http.SendAsync(request);
            Assert.Equal(expected, response.StatusCode);
        }

        Assert.Equal(HttpStatusCode.NoContent, await GetAsync(http, "/v1.0/state/store/k", ("dapr-api-token", "secret")));
    }

    [Theory]
    [InlineData("/v1.0/jobs/j")]
    [InlineData("/v1.0-alpha1/conversation/c/converse")]
    public async Task What_is_not_there_says_so(string path)
    {
        await using var run = await StartAsync();
        using var http = run.Client();

        Assert.Equal(HttpStatusCode.NotImplemented, await GetAsync(http, path, ("dapr-api-token", "secret")));
    }

    [Fact]
    public async Task Double_slashes_are_one()
    {
        await using var run = await StartAsync();
        using var http = run.Client();

        Assert.Equal(HttpStatusCode.NoContent, await GetAsync(http, $"{http.BaseAddress}/v1.0/state/store/k", ("dapr-api-token", "secret")));
    }
}
