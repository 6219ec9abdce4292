using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using TestKit;

namespace Sidecar.Api.Tests;

/// <summary>What is special about state over HTTP; the rest is in <see cref="StateSuite"/>.</summary>
public sealed class StateApiTests : IAsyncLifetime
{
    private readonly TestRun _run = new TestRun().Component("store", "state.in-memory");
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        await _run.AppAsync("a");
        await _run.StartAsync();
        _http = _run.Client();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _run.DisposeAsync();
    }

    private Task<HttpResponseMessage> SaveAsync(object item) => _http.PostAsJsonAsync("/v1.0/state/store", new[] { item });

    private static async Task<string> CodeAsync(HttpResponseMessage response) =>
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errorCode").GetString()!;

    [Fact]
    public async Task Keys_may_contain_slashes()
    {
        await SaveAsync(new { key = "a/b c", value = 5 });

        await SaveAsync(new { key = "a%2Fb c", value = 6 });

        Assert.Equal("5", await _http.GetStringAsync("/v1.0/state/store/a%2Fb%20c"));
        Assert.Equal("6", await _http.GetStringAsync("/v1.0/state/store/a%252Fb%20c"));
    }

    [Fact]
    public async Task Bodies_that_are_no_json_are_malformed_and_large_ones_refused()
    {
        Assert.Equal("ERR_MALFORMED_REQUEST", await CodeAsync(await _http.PostAsync("/v1.0/state/store", new StringContent("nonsense"))));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await _http.PostAsync("/v1.0/state/store", new ByteArrayContent(new byte[5 * 1024 * 1024]))).StatusCode);
    }

    [Fact]
    public async Task Queries_are_not_supported_and_say_so() => Assert.Equal(
        "ERR_STATE_STORE_NOT_SUPPORTED", await CodeAsync(await _http.PostAsJsonAsync("/v1.0-alpha1/state/store/query", new { })));

    [Fact]
    public async Task Values_are_stored_as_they_were_sent()
    {
        const string Value = """{ "text": "병 <b>&'", "n": 1.0 }""";

        await _http.PostAsync("/v1.0/state/store", new StringContent($$"""[{"key":"k","value":{{Value}}}]"""));

        Assert.Equal(Value, await _http.GetStringAsync("/v1.0/state/store/k"));
    }

    [Fact]
    public async Task The_time_to_live_of_the_component_is_for_writes_that_name_none()
    {
        var clock = new ManualTimeProvider();
        await using var run = new TestRun().Component("short", "state.in-memory", "ttlInSeconds=10");
        await run.AppAsync("a");
        await run.StartAsync(clock);
        using var http = run.Client();
        await http.PostAsync("/v1.0/state/short", new StringContent(
            """[{"key":"silent","value":1},{"key":"longer","value":2,"metadata":{"ttlInSeconds":"20"}},{"key":"forever","value":3,"metadata":{"ttlInSeconds":"-1"}}]"""));

        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(HttpStatusCode.NoContent, (await http.GetAsync("/v1.0/state/short/silent")).StatusCode);
        Assert.Equal("2", await http.GetStringAsync("/v1.0/state/short/longer"));

        clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal("3", await http.GetStringAsync("/v1.0/state/short/forever"));
    }

    [Theory]
    [InlineData("bulk", """{"keys":[1]}""")]
    [InlineData("", """[{"key":"k","value":1,"metadata":{"ttlInSeconds":"999999999999"}}]""")]
    public async Task What_the_caller_got_wrong_is_no_error_of_the_sidecar(string path, string body)
    {
        var response = await _http.PostAsync($"/v1.0/state/store/{path}".TrimEnd('/'), new StringContent(body));

        Assert.Equal((HttpStatusCode.BadRequest, "ERR_MALFORMED_REQUEST"), (response.StatusCode, await CodeAsync(response)));
    }
}
