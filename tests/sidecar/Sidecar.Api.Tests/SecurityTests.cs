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
