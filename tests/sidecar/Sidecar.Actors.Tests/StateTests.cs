using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;
using TestKit;

namespace Sidecar.Actors.Tests;

/// <summary>State of actors (protocol: HTTP §6.2).</summary>
public sealed class StateTests
{
    private const string Counter = """{"entities":["Counter"]}""";

    [Fact]
    public async Task A_transaction_writes_and_deletes_under_the_keys_of_the_protocol()
    {
        await using var run = new ActorRun().Store();
        var app = await run.AppAsync("host", Counter, Ok);
        await run.StartAsync();
        var client = run.Client();
        (await client.CallAsync("Counter/1/method/x")).Dispose();

        using var saved = await client.SaveAsync("Counter/1", """[{"operation":"upsert","request":{"key":"n","value":{"a":1}}},{"operation":"upsert","request":{"key":"m","value":2}}]""");
        using var deleted = await client.SaveAsync("Counter/1", """[{"operation":"delete","request":{"key":"m"}}]""");
        using var absent = await client.GetAsync("/v1.0/actors/Counter/1/state/m");

        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NoContent, HttpStatusCode.NoContent), (saved.StatusCode, deleted.StatusCode, absent.StatusCode));
        Assert.Equal("""{"a":1}""", await client.GetStringAsync("/v1.0/actors/Counter/1/state/n"));
        var store = run.Instance(app).Components.Find<IStateStore>("store")!;
        var item = await store.GetAsync("host||Counter||1||n", TestContext.Current.CancellationToken);
        Assert.Equal("""{"a":1}""", Encoding.UTF8.GetString(item!.Value.Span));
    }

    [Fact]
    public async Task State_of_an_actor_that_is_not_active_here_is_out_of_reach()
    {
        await using var run = new ActorRun().Store().Caller("client");
        await run.AppAsync("host", Counter, Ok);
        await run.StartAsync();
        var (other, own) = (run.Client(), run.Client(1));
        using var early = await own.SaveAsync("Counter/1", """[{"operation":"delete","request":{"key":"m"}}]""");
        (await other.CallAsync("Counter/1/method/x")).Dispose();

        using var read = await other.GetAsync("/v1.0/actors/Counter/1/state/n");
        using var written = await other.SaveAsync("Counter/1", "[]");
        using var here = await own.GetAsync("/v1.0/actors/Counter/1/state/n");

        Assert.Equal("400 ERR_ACTOR_INSTANCE_MISSING", await early.ErrorAsync());
        Assert.Equal("400 ERR_ACTOR_INSTANCE_MISSING", await read.ErrorAsync());
        Assert.Equal("400 ERR_ACTOR_INSTANCE_MISSING", await written.ErrorAsync());
        Assert.Equal(HttpStatusCode.NoContent, here.StatusCode);
    }

    [Fact]
    public async Task A_value_with_a_time_to_live_says_when_it_vanishes_and_does()
    {
        var time = new ManualTimeProvider();
        await using var run = new ActorRun(time).Store();
        await run.AppAsync("host", Counter, Ok);
        await run.StartAsync();
        var client = run.Client();
        (await client.CallAsync("Counter/1/method/x")).Dispose();
        await client.SaveAsync("Counter/1", """[{"operation":"upsert","request":{"key":"n","value":1,"metadata":{"ttlInSeconds":"9"}}}]""");

        using var alive = await client.GetAsync("/v1.0/actors/Counter/1/state/n");
        time.Advance(TimeSpan.FromSeconds(10));
        using var gone = await client.GetAsync("/v1.0/actors/Counter/1/state/n");

        Assert.Equal("2026-01-01T00:00:09Z", alive.Headers.GetValues("metadata.ttlExpireTime").Single());
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
    }

    [Theory]
    [InlineData("{", "400 ERR_MALFORMED_REQUEST")]
    [InlineData("{}", "400 ERR_MALFORMED_REQUEST")]
    [InlineData("""[{"operation":"upsert","request":{"value":1}}]""", "400 ERR_MALFORMED_REQUEST")]
    [InlineData("""[{"operation":"merge","request":{"key":"n"}}]""", "400 ERR_NOT_SUPPORTED_STATE_OPERATION")]
    [InlineData("""[{"operation":"upsert","request":{"key":"n","metadata":{"ttlInSeconds":"soon"}}}]""", "500 ERR_ACTOR_STATE_TRANSACTION_SAVE")]
    public async Task A_transaction_that_makes_no_sense_is_refused(string body, string expected)
    {
        await using var run = new ActorRun().Store();
        await run.AppAsync("host", Counter, Ok);
        await run.StartAsync();
        var client = run.Client();
        (await client.CallAsync("Counter/1/method/x")).Dispose();

        using var response = await client.SaveAsync("Counter/1", body);

        Assert.Equal(expected, await response.ErrorAsync());
    }

    private static Task<IResult> Ok(AppCall call) => Task.FromResult(Results.Text("ok"));
}
