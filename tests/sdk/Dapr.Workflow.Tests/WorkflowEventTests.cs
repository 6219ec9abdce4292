using Tandem.Protocol.Workflows;
using static Dapr.Workflow.Tests.Script;

namespace Dapr.Workflow.Tests;

public sealed class WorkflowEventTests
{
    [Fact]
    public async Task Events_that_come_early_are_kept_in_their_order()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
        {
            await context.CallActivityAsync("Step");
            return await context.WaitForExternalEventAsync<string>("Go") + await context.WaitForExternalEventAsync<string>("go");
        });
        var script = worker.Script();
        await script.StartAsync();

        Assert.Empty((await script.TurnAsync(Raised("GO", "\"a\""), Raised("go", "\"b\""))).Actions);
        var done = await script.TurnAsync(Completed(0, ""));

        Assert.Equal("\"ab\"", Assert.Single(done.Actions).CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Waiters_are_served_first_come_first_served()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
            string.Join(',', await Task.WhenAll(
                context.WaitForExternalEventAsync<string>("go"), context.WaitForExternalEventAsync<string>("go"))));
        var script = worker.Script();
        Assert.Empty((await script.StartAsync()).Actions);
        await script.TurnAsync(Raised("go", "\"1\""));

        var done = await script.TurnAsync(Raised("go", "\"2\""));

        Assert.Equal("\"1,2\"", Assert.Single(done.Actions).CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Wait_with_a_timeout_ends_with_the_event()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(WaitOneHourAsync);
        var script = worker.Script();

        var timer = Assert.Single((await script.StartAsync()).Actions);
        Assert.Equal("go", timer.CreateTimer.ExternalEvent.Name);
        Assert.Equal(Start.AddHours(1), timer.CreateTimer.FireAt.ToDateTime());
        var done = await script.TurnAsync(Raised("go", "\"now\""));

        Assert.Equal("\"now\"", Assert.Single(done.Actions).CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Wait_with_a_timeout_ends_with_the_timer()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(WaitOneHourAsync);
        var script = worker.Script();
        await script.StartAsync();

        var done = await script.TurnAsync(Fired(0), Raised("go", "\"late\""));

        Assert.Equal("\"timeout\"", Assert.Single(done.Actions).CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Event_that_beats_its_timer_in_one_turn_leaves_the_timer_to_the_engine()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
        {
            await context.CallActivityAsync("Step");
            return await WaitOneHourAsync(context, "");
        });
        var script = worker.Script();
        await script.StartAsync();

        var done = await script.TurnAsync(Completed(0, ""), Raised("go", "\"now\""));

        Assert.Equal(2, done.Actions.Count);
        Assert.Equal(1, done.Actions[0].Id);
        Assert.Equal("\"now\"", done.Actions[1].CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Wait_without_end_asks_for_the_timer_that_never_fires()
    {
        await using var worker = await TestWorker.StartAsync<string, string>((context, _) =>
            context.WaitForExternalEventAsync<string>("go", Timeout.InfiniteTimeSpan));
        var script = worker.Script();

        Assert.Equal(253402300799, Assert.Single((await script.StartAsync()).Actions).CreateTimer.FireAt.Seconds);
        var done = await script.TurnAsync(Raised("go", "\"x\""));

        Assert.Equal("\"x\"", Assert.Single(done.Actions).CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Zero_timeout_takes_only_what_has_come()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
        {
            await context.CallActivityAsync("Step");
            var first = await context.WaitForExternalEventAsync<string>("go", TimeSpan.Zero);
            try
            {
                return await context.WaitForExternalEventAsync<string>("go", TimeSpan.Zero);
            }
            catch (TaskCanceledException)
            {
                return first + " only";
            }
        });

        var script = worker.Script();
        await script.StartAsync();

        var done = await script.TurnAsync(Raised("go", "\"one\""), Completed(0, ""));

        Assert.Equal("\"one only\"", Assert.Single(done.Actions).CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Suspended_workflow_asks_for_nothing_until_it_is_resumed()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
        {
            context.SetCustomStatus("waiting");
            var payload = await context.WaitForExternalEventAsync<string>("go");
            return await context.CallActivityAsync<string>("Step", payload);
        });
        var script = worker.Script();
        await script.StartAsync();

        var suspended = await script.TurnAsync(new HistoryEvent { EventId = -1, ExecutionSuspended = new ExecutionSuspendedEvent() });
        var meanwhile = await script.TurnAsync(Raised("go", "\"x\""));
        var resumed = await script.TurnAsync(new HistoryEvent { EventId = -1, ExecutionResumed = new ExecutionResumedEvent() });
        var done = await script.TurnAsync(Completed(0, "\"done\""));

        Assert.Empty(suspended.Actions);
        Assert.Empty(meanwhile.Actions);
        Assert.Equal("\"waiting\"", meanwhile.CustomStatus);
        Assert.Equal("\"x\"", Assert.Single(resumed.Actions).ScheduleTask.Input);
        Assert.Equal("\"done\"", Assert.Single(done.Actions).CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Terminated_workflow_ends_with_the_output_given()
    {
        await using var worker = await TestWorker.StartAsync<string, string>((context, _) => context.WaitForExternalEventAsync<string>("go"));
        var script = worker.Script();
        await script.StartAsync();

        var end = await script.TurnAsync(new HistoryEvent
        {
            EventId = -1, ExecutionTerminated = new ExecutionTerminatedEvent { Input = "\"stopped\"" },
        });

        var completion = Assert.Single(end.Actions).CompleteWorkflow;
        Assert.Equal(OrchestrationStatus.Terminated, completion.WorkflowStatus);
        Assert.Equal("\"stopped\"", completion.Result);
    }

    private static async Task<string> WaitOneHourAsync(WorkflowContext context, string input)
    {
        try
        {
            return await context.WaitForExternalEventAsync<string>("go", TimeSpan.FromHours(1));
        }
        catch (TaskCanceledException)
        {
            return "timeout";
        }
    }
}
