using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Tests;

/// <summary>A worker that stops tells the engine, answers what it has, and is given nothing more.</summary>
public sealed class DrainTests
{
    [Fact]
    public async Task Draining_stream_gets_no_further_work_and_ends_with_its_last_answer()
    {
        await using var host = await EngineHost.StartAsync(new MemoryStore());
        using var client = host.Connect();
        var stream = client.WorkItems(TestContext.Current.CancellationToken, "stream1").GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var arriving = stream.MoveNextAsync();
        await host.UntilStreamsAsync(1);
        var starting = client.StartAsync("any", "x", "first");
        Assert.True(await arriving.AsTask().WaitAsync(EngineHost.Patience));
        var item = stream.Current;

        await client.DrainAsync("stream1");
        await client.StartAsync("any", "x", "second");
        await client.CompleteAsync(Completed(item));

        Assert.False(await stream.MoveNextAsync().AsTask().WaitAsync(EngineHost.Patience));
        await starting;
        await using var next = client.WorkItems(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await next.MoveNextAsync().AsTask().WaitAsync(EngineHost.Patience));
        Assert.Equal("second", next.Current.WorkflowRequest.InstanceId);
    }

    [Fact]
    public async Task Result_of_a_draining_worker_is_durable_before_the_turn_it_leads_to()
    {
        await using var host = await EngineHost.StartAsync(new MemoryStore());
        using var client = host.Connect();
        var stream = client.WorkItems(TestContext.Current.CancellationToken, "stream1").GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var arriving = stream.MoveNextAsync();
        await host.UntilStreamsAsync(1);
        var starting = client.StartAsync("any", "x", "first");
        Assert.True(await arriving.AsTask().WaitAsync(EngineHost.Patience));
        var turn = stream.Current;
        await client.CompleteAsync(new WorkflowResponse
        {
            InstanceId = "first",
            CompletionToken = turn.CompletionToken,
            Actions = { new WorkflowAction { Id = 0, ScheduleTask = new ScheduleTaskAction { Name = "step", Input = "1" } } },
        });
        Assert.True(await stream.MoveNextAsync().AsTask().WaitAsync(EngineHost.Patience));
        var activity = stream.Current;

        await client.DrainAsync("stream1");
        await client.CompleteAsync(new ActivityResponse
        {
            InstanceId = "first", TaskId = 0, CompletionToken = activity.CompletionToken, Result = "done",
        }).WaitAsync(EngineHost.Patience);

        Assert.False(await stream.MoveNextAsync().AsTask().WaitAsync(EngineHost.Patience));
        await starting;
    }

    [Fact]
    public async Task Unknown_stream_cannot_be_drained()
    {
        await using var host = await EngineHost.StartAsync(new MemoryStore());
        using var client = host.Connect();

        Assert.Equal(GrpcStatusCode.NotFound, (await Assert.ThrowsAsync<GrpcException>(() => client.DrainAsync("nobody"))).StatusCode);
        Assert.Equal(GrpcStatusCode.NotFound, (await Assert.ThrowsAsync<GrpcException>(() => client.DrainAsync(""))).StatusCode);
    }

    private static WorkflowResponse Completed(WorkItem item) => new()
    {
        InstanceId = item.WorkflowRequest.InstanceId,
        CompletionToken = item.CompletionToken,
        Actions =
        {
            new WorkflowAction { CompleteWorkflow = new CompleteWorkflowAction { WorkflowStatus = OrchestrationStatus.Completed } },
        },
    };
}
