using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Api.Tests.Doors;
using Tandem.Protocol.Grpc;

namespace Sidecar.Api.Tests;

public sealed class ActorsOverHttp() : ActorSuite(HttpDoor.Open);

public sealed class ActorsOverGrpc() : ActorSuite(GrpcDoor.Open);

/// <summary>Actors (dapr-http §6, grpc §2.1), hosted by an app that speaks the protocol by hand.</summary>
public abstract class ActorSuite(Func<TestRun, int, Door> open) : DoorSuite(open)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Channel<string> _ticks = Channel.CreateUnbounded<string>();

    protected override async Task<TestRun> CreateAsync()
    {
        var run = new TestRun().Component("store", "state.in-memory", "actorStateStore=true");
        await run.AppAsync("host", app =>
        {
            app.MapGet("/dapr/config", () => Results.Text("""{"entities":["Counter"]}""", "application/json"));
            app.MapPut("/actors/{type}/{id}/method/{**method}", async (HttpContext http, string type, string id, string method) =>
            {
                using var reader = new StreamReader(http.Request.Body);
                var body = await reader.ReadToEndAsync();
                if (method.Contains('/', StringComparison.Ordinal))
                {
                    _ticks.Writer.TryWrite($"{type}/{id} {method} {body}");
                }

                return method == "nowhere"
                    ? Results.NotFound()
                    : Results.Text($"{type}|{id}|{method}|{body}|{http.Request.Headers["x-ask"]}");
            });
            app.MapDelete("/actors/{type}/{id}", () => Results.Ok());
        });
        await run.AppAsync("caller");
        return run;
    }

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await TestRun.Eventually(() => Run.Sidecar.Actors(Run.Sidecar.Apps[0]).Active is not null);
    }

    [Fact]
    public async Task A_call_reaches_the_app_that_hosts_the_actor_and_its_answer_comes_back()
    {
        using var other = Open(1);

        Assert.Equal("Counter|a|add|7|please", await other.InvokeActorAsync("Counter", "a", "add", "7", ("x-ask", "please")));
    }

    [Fact]
    public async Task State_is_written_as_a_whole_and_read()
    {
        await Door.InvokeActorAsync("Counter", "1", "add");

        await Door.TransactActorStateAsync("Counter", "1", ("upsert", new Item("n", """{"a":1}""")), ("upsert", new Item("m", "2", TtlInSeconds: "9")));
        Assert.Equal(("""{"a":1}""", null), await Door.GetActorStateAsync("Counter", "1", "n"));
        Assert.Equal(("2", "2026-01-01T00:00:09Z"), await Door.GetActorStateAsync("Counter", "1", "m"));

        await Door.TransactActorStateAsync("Counter", "1", ("delete", new Item("n")));
        Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(await Door.GetActorStateAsync("Counter", "1", "n"));
        Assert.Null(await Door.GetActorStateAsync("Counter", "1", "m"));
    }

    [Fact]
    public async Task A_reminder_is_told_to_the_actor_until_it_is_forgotten()
    {
        await Door.RemindAsync("Counter", "1", "r", "5s", "10s", """{"a":1}""");
        Assert.Equal(("5s", "10s", """{"a":1}"""), await Door.GetReminderAsync("Counter", "1", "r"));
        await Door.FailsAsync(
            door => door.RemindAsync("Counter", "1", "r", "5s", "10s", "1", overwrite: false), "ERR_ACTOR_REMINDER_ALREADY_EXISTS", 409, GrpcStatusCode.AlreadyExists);

        Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("""Counter/1 remind/r {"data":{"a":1},"dueTime":"5s","period":"10s"}""", await _ticks.Reader.ReadAsync().AsTask().WaitAsync(Patience));

        await Door.ForgetAsync("Counter", "1", "r");
        await Door.FailsAsync(door => door.GetReminderAsync("Counter", "1", "r"), "ERR_ACTOR_REMINDER_NOT_FOUND", 404, GrpcStatusCode.NotFound);
        using var other = Open(1);
        await other.FailsAsync(
            door => door.RemindAsync("Counter", "1", "r", "5s", "", "1"), "ERR_ACTOR_REMINDER_NON_HOSTED", 403, GrpcStatusCode.PermissionDenied);
    }

    [Fact]
    public async Task A_timer_calls_back_until_it_is_stopped()
    {
        await Door.FailsAsync(door => door.StartTimerAsync("Counter", "1", "t", "1s", "Tick"), "ERR_ACTOR_TIMER_CREATE", 500, GrpcStatusCode.Internal);
        await Door.InvokeActorAsync("Counter", "1", "add");
        await Door.StartTimerAsync("Counter", "1", "stopped", "1s", "Tick");
        await Door.StopTimerAsync("Counter", "1", "stopped");
        await Door.StartTimerAsync("Counter", "1", "t", "2s", "Tick");

        Clock.Advance(TimeSpan.FromSeconds(2));

        Assert.StartsWith("""Counter/1 timer/t {"callback":"Tick",""", await _ticks.Reader.ReadAsync().AsTask().WaitAsync(Patience), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_are_daprs()
    {
        var invalid = GrpcStatusCode.InvalidArgument;
        await Door.FailsAsync(door => door.GetActorStateAsync("Counter", "1", "n"), "ERR_ACTOR_INSTANCE_MISSING", 400, GrpcStatusCode.Internal, "actor instance is missing");
        await Door.FailsAsync(door => door.InvokeActorAsync("Counter", "1", "nowhere"), "ERR_ACTOR_INVOKE_METHOD", 500, GrpcStatusCode.Internal, "method not found");
        await Door.FailsAsync(door => door.InvokeActorAsync("dapr.internal.x", "1", "add"), "ERR_ACTOR_TYPE_RESERVED", 403, GrpcStatusCode.PermissionDenied);
        await Door.FailsAsync(
            door => door.TransactActorStateAsync("Counter", "1", ("merge", new Item("k", "1"))), "ERR_NOT_SUPPORTED_STATE_OPERATION", 400, invalid);
        await Door.FailsAsync(door => door.TransactActorStateAsync("Counter", "1", ("upsert", new Item("", "1"))), "ERR_MALFORMED_REQUEST", 400, invalid);
        await Door.FailsAsync(
            door => door.TransactActorStateAsync("Counter", "1", ("upsert", new Item("k", "1", TtlInSeconds: "soon"))),
            "ERR_ACTOR_STATE_TRANSACTION_SAVE", 500, GrpcStatusCode.Internal);
    }
}
