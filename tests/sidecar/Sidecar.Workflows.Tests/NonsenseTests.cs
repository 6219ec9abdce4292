using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Tests;

/// <summary>A worker that answers what cannot be carried out ends that instance, says why, and hurts no other.</summary>
public sealed class NonsenseTests
{
    public static TheoryData<string, string> Answers { get; } = new()
    {
        { "unknown kind", "action 5 is of no kind that is known here" },
        { "activity without name", "action 5 schedules an activity without a name" },
        { "child without name", "action 5 creates a child workflow without a name" },
        { "timer without time", "action 5 creates a timer without a time" },
        { "timer with bad time", "action 5 creates a timer whose time has -1 nanoseconds" },
        { "event to nobody", "action 5 sends an event without a name or an instance id" },
        { "detached without id", "action 5 creates a detached workflow without a name or an instance id" },
        { "terminate nobody", "action 5 terminates a workflow without an instance id" },
        { "id twice", "the id of action 5 (CreateTimer) is taken by an earlier action" },
        { "id of the history", "the id of action 0 (ScheduleTask) is taken by an earlier action" },
        { "ends running", "action 5 ends the workflow with status Running, which is no end" },
        { "carries a result over", "action 5 carries over events that are no external events" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Instance_fails_with_the_reason(string answer, string reason)
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(new MemoryStore()));
        await using var worker = new ScriptedWorker(host)
        {
            Workflows =
            {
                ["good"] = Scripts.Sequence(2),
                ["bad"] = s =>
                {
                    if (s.Task(0, "a", "x") is not null)
                    {
                        s.Response.Actions.AddRange(Nonsense(answer));
                    }
                },
                ["parent"] = s =>
                {
                    if (s.Child(0, "bad", "x", "bad") is { } error)
                    {
                        s.Complete(error);
                    }
                },
            },
        }.Start();
        using var client = host.Connect();
        await host.UntilStreamsAsync(1);
        await client.StartAsync("parent", "x", "parent");
        await client.StartAsync("good", "x", "good");

        Assert.Equal("InvalidWorkerAnswer", (await client.WaitAsync("parent"))!.Output);
        var bad = (await client.WaitAsync("bad"))!;
        Assert.Equal(OrchestrationStatus.Failed, bad.WorkflowStatus);
        Assert.Equal("InvalidWorkerAnswer", bad.FailureDetails.ErrorType);
        Assert.Contains(reason, bad.FailureDetails.ErrorMessage, StringComparison.Ordinal);
        HistoryCheck.Valid(await client.HistoryAsync("bad"));
        Assert.Equal("a(a(x))", (await client.WaitAsync("good"))!.Output);
    }

    [Fact]
    public async Task Worker_is_told_what_was_wrong()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(new MemoryStore()));
        using var client = host.Connect();
        using var stop = new CancellationTokenSource(EngineHost.Patience);
        await using var work = client.WorkItems(stop.Token).GetAsyncEnumerator(stop.Token);
        var next = work.MoveNextAsync();
        await host.UntilStreamsAsync(1);
        var start = client.StartAsync("bad", "x", "b");
        Assert.True(await next);

        var refused = await Assert.ThrowsAsync<GrpcException>(() => client.CompleteAsync(
            new WorkflowResponse { InstanceId = "b", CompletionToken = work.Current.CompletionToken, Actions = { Nonsense("unknown kind") } }));

        Assert.Equal(GrpcStatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("the workflow 'b' has failed: action 5 is of no kind", refused.Message, StringComparison.Ordinal);
        await start;
        await stop.CancelAsync();
    }

    private static WorkflowAction[] Nonsense(string answer) => answer switch
    {
        "unknown kind" => [new WorkflowAction { Id = 5 }],
        "activity without name" => [new WorkflowAction { Id = 5, ScheduleTask = new ScheduleTaskAction() }],
        "child without name" => [new WorkflowAction { Id = 5, CreateChildWorkflow = new CreateChildWorkflowAction { InstanceId = "c" } }],
        "timer without time" => [new WorkflowAction { Id = 5, CreateTimer = new CreateTimerAction() }],
        "timer with bad time" => [new WorkflowAction { Id = 5, CreateTimer = new CreateTimerAction { FireAt = new Timestamp { Nanos = -1 } } }],
        "event to nobody" => [new WorkflowAction { Id = 5, SendEvent = new SendEventAction { Name = "go" } }],
        "detached without id" => [new WorkflowAction { Id = 5, CreateDetachedWorkflow = new CreateDetachedWorkflowAction { Name = "n" } }],
        "terminate nobody" => [new WorkflowAction { Id = 5, TerminateWorkflow = new TerminateWorkflowAction() }],
        "id twice" => [Timer(5), Timer(5)],
        "id of the history" => [new WorkflowAction { Id = 0, ScheduleTask = new ScheduleTaskAction { Name = "a" } }],
        "ends running" => [new WorkflowAction { Id = 5, CompleteWorkflow = new CompleteWorkflowAction { WorkflowStatus = OrchestrationStatus.Running } }],
        _ =>
        [
            new WorkflowAction
            {
                Id = 5,
                CompleteWorkflow = new CompleteWorkflowAction
                {
                    WorkflowStatus = OrchestrationStatus.ContinuedAsNew,
                    CarryoverEvents = { new HistoryEvent { TaskCompleted = new TaskCompletedEvent() } },
                },
            },
        ],
    };

    private static WorkflowAction Timer(int id) => new() { Id = id, CreateTimer = new CreateTimerAction { FireAt = new Timestamp { Seconds = 253402300799 } } };
}
