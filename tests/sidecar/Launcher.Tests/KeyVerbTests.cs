using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Launcher.Tests;

/// <summary><c>daprw keys</c> against a run whose auth is this process.</summary>
public sealed class KeyVerbTests : IAsyncLifetime
{
    private const string Keys = """
        {"keys":[
          {"key_id":"aaa","algorithm":"RS256","state":"signing","created_at":"2026-01-01T00:00:00Z","signs_from":"2026-01-01T00:10:00Z","ends_at":"2026-05-01T00:00:00Z"},
          {"key_id":"bbb","algorithm":"ES256","state":"next","created_at":"2026-03-31T00:00:00Z","signs_from":"2026-04-01T00:00:00Z"}]}
        """;

    private readonly RunWithApp _platform = new();
    private readonly List<(string Method, string Path, string Caller, JsonElement Body)> _requests = [];
    private volatile string _answer = Keys;
    private volatile int _status = 200;

    public async ValueTask InitializeAsync() => await _platform.StartAsync("auth", app =>
    {
        app.Map("/internal/{**path}", async (HttpContext http) =>
        {
            var body = http.Request.Method == "POST" ? await JsonSerializer.DeserializeAsync<JsonElement>(http.Request.Body) : default;
            _requests.Add((http.Request.Method, http.Request.Path, http.Request.Headers["dapr-caller-app-id"].ToString(), body));
            await Results.Text(_answer, "application/json", statusCode: _status).ExecuteAsync(http);
        });
    }, "ready: 0 apps", "appID: idle");

    public ValueTask DisposeAsync() => _platform.DisposeAsync();

    [Fact]
    public async Task Lists_and_rotates_through_the_sidecar_of_auth()
    {
        var table = await Verb.OutputAsync(_platform.Run, "keys", "list");
        Assert.Matches(@"(?m)^key +algorithm +state +signs from +ends$", table);
        Assert.Matches(@"(?m)^aaa +RS256 +signing +2026-01-01 00:10:00 +2026-05-01 00:00:00$", table);
        Assert.Matches(@"(?m)^bbb +ES256 +next +2026-04-01 00:00:00 +-$", table);
        Assert.Equal(2, JsonElement.Parse(await Verb.OutputAsync(_platform.Run, "keys", "list", "-o", "json")).GetArrayLength());

        await Verb.OutputAsync(_platform.Run, "keys", "rotate");
        await Verb.OutputAsync(_platform.Run, "keys", "rotate", "--now");

        Assert.All(_requests, request => Assert.Equal("auth", request.Caller));
        Assert.Equal(["GET /internal/signing-keys", "GET /internal/signing-keys"], _requests[..2].Select(request => $"{request.Method} {request.Path}"));
        Assert.All(_requests[2..], request => Assert.Equal("POST /internal/signing-keys/rotate", $"{request.Method} {request.Path}"));
        Assert.Equal([false, true], _requests[2..].Select(request => request.Body.GetProperty("now").GetBoolean()));
        Assert.All(_requests[2..], request => Assert.Matches("^[0-9a-f]{32}$", request.Body.GetProperty("key_id").GetString()));
    }

    [Fact]
    public async Task Says_what_is_wrong_in_one_line()
    {
        (_answer, _status) = ("""{"code":"SIGNING_KEYS_UNAVAILABLE","detail":"The signing keys are not there: because"}""", 503);
        Assert.Equal((1, "daprw: auth refused: 503 Service Unavailable: The signing keys are not there: because"), await Verb.RunAsync(_platform.Run, "keys", "rotate"));
        (_answer, _status) = ("[]", 200);
        Assert.Equal((1, "daprw: /internal/signing-keys of auth answered no list of keys"), await Verb.RunAsync(_platform.Run, "keys", "list"));

        await using var nothing = new LaunchedRun();
        Assert.Contains("nothing runs in", (await Verb.RunAsync(nothing, "keys", "list")).Output, StringComparison.Ordinal);
    }
}
