using System.Net;
using Microsoft.AspNetCore.Http;
using Sidecar.Runtime;
using TestKit;

namespace Sidecar.Actors.Tests;

/// <summary>Calls of methods and their answers (protocol: HTTP §6).</summary>
public sealed class CallTests
{
    private const string Counter = """{"entities":["Counter"]}""";

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task A_call_of_any_verb_reaches_the_app_as_PUT_with_body_headers_and_query(string verb)
    {
        await using var run = new ActorRun().Store().Caller("client");
        await run.AppAsync("host", Counter, call =>
        {
            var request = call.Http.Request;
            call.Http.Response.Headers["X-Answer"] = "yes";
            return Text(string.Join('|', call.Id, call.Method, call.Body, request.QueryString, request.Headers["X-Ask"], request.Headers["Dapr-API-Call"],
                request.Headers["dapr-api-token"], request.Headers["dapr-caller-app-id"]));
        });
        await run.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(verb), new Uri($"{run.Client().BaseAddress}/v1.0/actors/Counter/a%20b/method/add?n=1"))
        {
            Headers = { { "X-Ask", "please" }, { "dapr-caller-app-id", "forged" } },
            Content = verb == "GET" ? null : new StringContent("7"),
        };

        using var response = await run.Client().SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("yes", response.Headers.GetValues("X-Answer").Single());
        Assert.Equal($"a b|add|{(verb == "GET" ? "" : "7")}|?n=1|please|true|app-token|", await response.TextAsync());
    }

    [Fact]
    public async Task What_the_app_answers_other_than_200_is_an_error_with_its_text()
    {
        await using var run = new ActorRun().Store();
        await run.AppAsync("host", Counter, call => Task.FromResult(call.Method == "gone" ? Results.NotFound() : Results.Text("no money", statusCode: 409)));
        await run.StartAsync();
        var client = run.Client();

        using var refused = await client.CallAsync("Counter/1/method/pay");
        using var gone = await client.CallAsync("Counter/1/method/gone");

        Assert.Equal("500 ERR_ACTOR_INVOKE_METHOD", await refused.ErrorAsync());
        Assert.Contains("no money", await refused.MessageAsync(), StringComparison.Ordinal);
        Assert.Equal("500 ERR_ACTOR_INVOKE_METHOD", await gone.ErrorAsync());
        Assert.Contains("actor method not found", await gone.MessageAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_of_the_actors_own_goes_to_the_caller_as_it_is()
    {
        await using var run = new ActorRun().Store();
        await run.AppAsync("host", Counter, call =>
        {
            call.Http.Response.Headers["X-Daprerrorresponseheader"] = "<e/>";
            return Task.FromResult(Results.Text("details", statusCode: 418));
        });
        await run.StartAsync();

        using var response = await run.Client().CallAsync("Counter/1/method/fail");

        Assert.Equal("418 details <e/>", $"{(int)response.StatusCode} {await response.TextAsync()} {response.Headers.GetValues("X-DaprErrorResponseHeader").Single()}");
    }

    [Fact]
    public async Task A_type_that_nobody_hosts_is_looked_for_five_seconds()
    {
        var time = new ManualTimeProvider();
        await using var run = new ActorRun(time).Store();
        await run.AppAsync("host", Counter, _ => Text("ok"));
        await run.StartAsync();
        var call = run.Client().CallAsync("Nobody/1/method/x");
        await ActorRun.Eventually(() => time.Started(TimeSpan.FromSeconds(5)) > 0);

        time.Advance(TimeSpan.FromSeconds(5));

        using var response = await call.WaitAsync(ActorRun.Patience);
        Assert.Equal("404 ERR_ACTOR_NO_ADDRESS", await response.ErrorAsync());
    }

    [Fact]
    public async Task A_call_waits_for_an_app_that_is_just_starting()
    {
        await using var run = new ActorRun(options: new ActorOptions { LookupTimeout = ActorRun.Patience }).Store().Caller("client");
        var app = await run.AppAsync("host", Counter, _ => Text("ok"), started: false);
        await run.StartAsync();
        var call = run.Client().CallAsync("Counter/1/method/x");

        await app.StartAsync();

        using var response = await call;
        Assert.Equal("ok", await response.TextAsync());
    }

    [Theory]
    [InlineData("dapr.internal.x", "1", "m", "ERR_ACTOR_TYPE_RESERVED")]
    [InlineData("Counter", "..", "m", "ERR_MALFORMED_REQUEST")]
    [InlineData("Counter", "1", "", "ERR_MALFORMED_REQUEST")]
    public async Task Names_that_cannot_be_are_refused(string type, string id, string method, string expected)
    {
        await using var run = new ActorRun().Store();
        var app = await run.AppAsync("host", Counter, _ => Text("ok"));
        await run.StartAsync();

        var error = await Assert.ThrowsAsync<DaprErrorException>(
            () => run.Runtime(app).InvokeAsync(new ActorCall(type, id, method, default), TestContext.Current.CancellationToken));

        Assert.Equal(expected, error.ErrorCode);
    }

    [Fact]
    public async Task An_app_without_a_store_for_actors_hosts_none()
    {
        await using var run = new ActorRun(options: new ActorOptions { LookupTimeout = TimeSpan.FromMilliseconds(1) });
        await run.AppAsync("host", Counter, _ => Text("ok"));
        await run.StartAsync();
        var client = run.Client();

        using var call = await client.CallAsync("Counter/1/method/x");
        using var state = await client.GetAsync("/v1.0/actors/Counter/1/state/n");

        Assert.Equal("404 ERR_ACTOR_NO_ADDRESS", await call.ErrorAsync());
        Assert.Equal("500 ERR_ACTOR_RUNTIME_NOT_FOUND", await state.ErrorAsync());
        Assert.Contains(run.Log, line => line.Contains("actorStateStore", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Metadata_tells_the_hosted_types_and_how_many_are_active()
    {
        await using var run = new ActorRun().Store();
        await run.AppAsync("host", """{"entities":["Counter","Other"]}""", _ => Text("ok"));
        await run.StartAsync();
        var client = run.Client();
        (await client.CallAsync("Counter/1/method/x")).Dispose();
        (await client.CallAsync("Counter/2/method/x")).Dispose();

        var metadata = await client.GetStringAsync("/v1.0/metadata");

        const string Counts = """[{"type":"Counter","count":2},{"type":"Other","count":0}]""";
        Assert.Contains($"\"actors\":{Counts}", metadata, StringComparison.Ordinal);
        Assert.Contains(
            $$"""
            "actorRuntime":{"runtimeStatus":"RUNNING","activeActors":{{Counts}},"hostReady":true,"placement":"placement: connected"}
            """.Trim(),
            metadata, StringComparison.Ordinal);
    }

    private static Task<IResult> Text(string text) => Task.FromResult(Results.Text(text));
}
