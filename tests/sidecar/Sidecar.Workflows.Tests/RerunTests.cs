using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.Tests;

/// <summary>RerunWorkflowFromEvent (grpc §5.7).</summary>
public sealed class RerunTests
{
    private readonly MemoryStore _disk = new();

    [Fact]
    public async Task Does_the_event_and_all_that_follows_again_with_the_results_before()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        await using var worker = Worker(host);
        using var client = host.Connect();
        await RunAsync(client, "seq", "s");

        var id = await client.RerunAsync(new RerunWorkflowFromEventRequest { SourceInstanceID = "s", EventID = 1 });

        Assert.Equal("a(a(a(x)))", (await client.WaitAsync(id))!.Output);
        var execution = (await client.GetAsync(id))!.ExecutionId;
        Assert.Equal([1, 2], worker.Executions.Keys.Where(k => k.Execution == execution).Select(k => k.Task).Order());
        var history = await client.HistoryAsync(id);
        HistoryCheck.Valid(history);
        Assert.Equal(id, history[1].ExecutionStarted.WorkflowInstance.InstanceId);
        Assert.Equal("s", Assert.Single(history, e => e.TaskScheduled?.RerunParentInstanceInfo is not null).TaskScheduled.RerunParentInstanceInfo.InstanceID);
    }

    [Fact]
    public async Task Input_of_an_activity_can_be_replaced()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        await using var worker = Worker(host);
        using var client = host.Connect();
        await RunAsync(client, "seq", "s");
        var id = await client.RerunAsync(new RerunWorkflowFromEventRequest { SourceInstanceID = "s", EventID = 2, NewInstanceID = "n", Input = "new", OverwriteInput = true });
        Assert.Equal("n", id);
        Assert.Equal("a(new)", (await client.WaitAsync("n"))!.Output);
        Assert.Equal("a(a(a(x)))", (await client.GetAsync("s"))!.Output);
    }

    [Fact]
    public async Task Child_gets_an_id_of_its_own_and_timers_fire_again()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        await using var worker = Worker(host);
        using var client = host.Connect();
        await RunAsync(client, "child-and-timer", "s");
        await client.RerunAsync(new RerunWorkflowFromEventRequest { SourceInstanceID = "s", EventID = 0, NewInstanceID = "n" });
        Assert.Equal("a(a(a(c)))", (await client.WaitAsync("n"))!.Output);
        Assert.Equal("n", (await client.GetAsync("n:0000"))!.ParentInstanceId);
        Assert.Equal("s", (await client.GetAsync("s:0000"))!.ParentInstanceId);
        await client.RerunAsync(new RerunWorkflowFromEventRequest { SourceInstanceID = "s", EventID = 0, NewInstanceID = "m", NewChildWorkflowInstanceID = "mine" });
        await client.WaitAsync("m");
        Assert.Equal("m", (await client.GetAsync("mine"))!.ParentInstanceId);
        await client.RerunAsync(new RerunWorkflowFromEventRequest { SourceInstanceID = "s", EventID = 1, NewInstanceID = "t" });
        Assert.Equal("a(a(a(c)))", (await client.WaitAsync("t"))!.Output);
        Assert.Null(await client.GetAsync("t:0000"));
    }

    [Fact]
    public async Task What_was_not_resolved_before_the_event_is_done_again_too()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        await using var worker = Worker(host);
        using var client = host.Connect();
        await RunAsync(client, "parallel", "s");
        await client.RerunAsync(new RerunWorkflowFromEventRequest { SourceInstanceID = "s", EventID = 1, NewInstanceID = "n" });
        Assert.Equal("p(x),p(x),p(x)", (await client.WaitAsync("n"))!.Output);
        var execution = (await client.GetAsync("n"))!.ExecutionId;
        Assert.Equal([0, 1, 2], worker.Executions.Keys.Where(k => k.Execution == execution).Select(k => k.Task).Order());
    }

    [Fact]
    public async Task Survives_a_death_of_the_engine_before_the_event_is_done()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        using var client = host.Connect();
        await using (var worker = Worker(host))
        {
            await RunAsync(client, "seq", "s");
        }

        await host.UntilStreamsAsync(0);
        await client.RerunAsync(new RerunWorkflowFromEventRequest { SourceInstanceID = "s", EventID = 1, NewInstanceID = "n" });
        await host.RestartAsync(new CrashingStore(_disk));
        await using var again = Worker(host);
        Assert.Equal("a(a(a(x)))", (await client.WaitAsync("n"))!.Output);
    }

    [Fact]
    public async Task Refusals_have_the_codes_of_dapr()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        await using var worker = Worker(host);
        using var client = host.Connect();
        await RunAsync(client, "child-and-timer", "s");
        await host.UntilStreamsAsync(1);
        await client.StartAsync("idle", "x", "runs");

        await RefusedAsync(GrpcStatusCode.InvalidArgument, "rerun workflow source instance ID is required", new RerunWorkflowFromEventRequest());
        await RefusedAsync(GrpcStatusCode.InvalidArgument, "must be different", new RerunWorkflowFromEventRequest { SourceInstanceID = "s", NewInstanceID = "s" });
        await RefusedAsync(GrpcStatusCode.NotFound, "no such instance", new RerunWorkflowFromEventRequest { SourceInstanceID = "nobody" });
        await RefusedAsync(GrpcStatusCode.InvalidArgument, "'runs' is not in a terminal state", new RerunWorkflowFromEventRequest { SourceInstanceID = "runs" });
        await RefusedAsync(GrpcStatusCode.InvalidArgument, "cannot rerun from child-workflows", new RerunWorkflowFromEventRequest { SourceInstanceID = "s:0000" });
        await RefusedAsync(GrpcStatusCode.NotFound, "does not have history event with ID '77'", new RerunWorkflowFromEventRequest { SourceInstanceID = "s", EventID = 77 });
        await RefusedAsync(
            GrpcStatusCode.NotFound, "'ExecutionCompleted' with ID '9' is not an event that can be rerun", new RerunWorkflowFromEventRequest { SourceInstanceID = "s", EventID = 9 });
        await RefusedAsync(
            GrpcStatusCode.InvalidArgument, "cannot write input to timer", new RerunWorkflowFromEventRequest { SourceInstanceID = "s", EventID = 1, OverwriteInput = true });
        await RefusedAsync(
            GrpcStatusCode.InvalidArgument, "cannot set new child", new RerunWorkflowFromEventRequest { SourceInstanceID = "s", EventID = 1, NewChildWorkflowInstanceID = "c" });
        await RefusedAsync(
            GrpcStatusCode.AlreadyExists, "has already been created", new RerunWorkflowFromEventRequest { SourceInstanceID = "s", EventID = 1, NewInstanceID = "runs" });

        async Task RefusedAsync(GrpcStatusCode code, string text, RerunWorkflowFromEventRequest request)
        {
            var refused = await Assert.ThrowsAsync<GrpcException>(() => client.RerunAsync(request));
            Assert.Equal(code, refused.StatusCode);
            Assert.Contains(text, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Unique_ids_are_refused_when_an_ended_instance_has_them()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(_disk));
        await using var worker = Worker(host);
        using var client = host.Connect();
        await RunAsync(client, "seq", "s");
        var request = new CreateInstanceRequest { Name = "seq", Input = "x", InstanceId = "s", EnforceUniqueInstanceId = true };
        var refused = await Assert.ThrowsAsync<GrpcException>(() => client.CallAsync("StartInstance", request, CreateInstanceResponse.Parser));
        Assert.Equal(GrpcStatusCode.AlreadyExists, refused.StatusCode);
        request.InstanceId = "unused";
        await client.CallAsync("StartInstance", request, CreateInstanceResponse.Parser);
        await client.WaitAsync("unused");
    }

    private static async Task RunAsync(TaskHubClient client, string name, string id)
    {
        await client.StartAsync(name, "x", id);
        Assert.Equal(OrchestrationStatus.Completed, (await client.WaitAsync(id))!.WorkflowStatus);
    }

    private static ScriptedWorker Worker(EngineHost host) => new ScriptedWorker(host)
    {
        Workflows =
        {
            ["seq"] = Scripts.Sequence(3),
            ["parallel"] = Scripts.Parallel(3),
            ["idle"] = s => s.Event(),
            ["child-and-timer"] = s =>
            {
                if (s.Child(0, "seq", "c") is { } result && s.Timer(1, new Timestamp { Seconds = 1 }))
                {
                    s.Complete(result);
                    s.Response.Actions[^1].Id = 9;
                }
            },
        },
    }.Start();
}
