using Dapr.Workflow;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Sidecar.Testing.Tests;

public sealed class WorkflowTests
{
    private int _reserved;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Timers_of_workflows_follow_the_clock()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        var shop = await StartShopAsync(dapr);
        var workflows = shop.Services.GetRequiredService<DaprWorkflowClient>();

        var id = await workflows.ScheduleNewWorkflowAsync("order", "o1", 3);
        await dapr.WaitForIdleAsync(cancellationToken: Cancel);
        Assert.Equal(WorkflowRuntimeStatus.Running, (await workflows.GetWorkflowStateAsync(id, cancellation: Cancel))!.RuntimeStatus);
        await dapr.AdvanceAsync(TimeSpan.FromHours(2), Cancel);
        var state = await workflows.WaitForWorkflowCompletionAsync(id, cancellation: Cancel).WaitAsync(TimeSpan.FromSeconds(30), Cancel);

        Assert.Equal((WorkflowRuntimeStatus.Completed, 6), (state.RuntimeStatus, state.ReadOutputAs<int>()));
    }

    [Fact]
    public async Task The_clock_waits_for_a_turn_that_is_slow_to_be_kept()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        using var hold = new Hold();
        using var end = dapr.Clock.CreateTimer(_ => hold.End(), null, TimeSpan.FromHours(1), Timeout.InfiniteTimeSpan);
        var shop = await StartShopAsync(dapr);
        var workflows = shop.Services.GetRequiredService<DaprWorkflowClient>();
        // The worker has answered, and the timer that it wants is not armed yet.
        dapr.Faults.StateWrites("statestore").Always().Do((_, proceed, _) =>
        {
            hold.Wait();
            return proceed();
        });

        var id = await workflows.ScheduleNewWorkflowAsync("order", "o1", 3);
        await dapr.AdvanceAsync(TimeSpan.FromHours(2), Cancel);

        var state = await workflows.WaitForWorkflowCompletionAsync(id, cancellation: Cancel).WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        Assert.False(hold.IsCutShort);
        Assert.Equal(6, state.ReadOutputAs<int>());
    }

    [Fact]
    public async Task A_worker_that_loses_its_stream_within_an_activity_comes_back_and_answers()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        var entered = new SemaphoreSlim(0);
        var leave = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var shop = await StartShopAsync(dapr, async () =>
        {
            entered.Release();
            await leave.Task;
        });
        var workflows = shop.Services.GetRequiredService<DaprWorkflowClient>();
        var id = await workflows.ScheduleNewWorkflowAsync("order", "o1", 3);
        Assert.True(await entered.WaitAsync(TimeSpan.FromSeconds(30), Cancel));

        shop.BreakConnections();
        await dapr.WaitForLogAsync("Work-item stream closed", cancellationToken: Cancel);
        await shop.WorkerReadyAsync(cancellationToken: Cancel);
        leave.SetResult();
        await dapr.WaitForIdleAsync(cancellationToken: Cancel);
        await dapr.AdvanceAsync(TimeSpan.FromHours(2), Cancel);

        var state = await workflows.WaitForWorkflowCompletionAsync(id, cancellation: Cancel).WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        Assert.Equal(6, state.ReadOutputAs<int>());
    }

    [Fact]
    public async Task A_workflow_survives_a_crash_of_sidecar_and_worker()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        var shop = await StartShopAsync(dapr);
        var id = await shop.Services.GetRequiredService<DaprWorkflowClient>().ScheduleNewWorkflowAsync("order", "o1", 3);
        await dapr.WaitForIdleAsync(cancellationToken: Cancel);

        await shop.KillAsync();
        await dapr.RestartAsync(crash: true, Cancel);
        await shop.StartAgainAsync(Cancel);
        await shop.WorkerReadyAsync(cancellationToken: Cancel);
        await dapr.AdvanceAsync(TimeSpan.FromHours(2), Cancel);

        var state = await shop.Services.GetRequiredService<DaprWorkflowClient>().WaitForWorkflowCompletionAsync(id, cancellation: Cancel)
            .WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        Assert.Equal((6, 1), (state.ReadOutputAs<int>(), _reserved));
    }

    private async Task<SidecarApp> StartShopAsync(SidecarHost dapr, Func<Task>? whileReserving = null)
    {
        var shop = await dapr.StartAppAsync(
            "shop",
            builder => builder.Services.AddDaprWorkflow(options =>
            {
                options.RegisterWorkflow<int, int>("order", async (context, amount) =>
                {
                    var reserved = await context.CallActivityAsync<int>("reserve", amount);
                    await context.CreateTimer(TimeSpan.FromHours(2), Cancel);
                    return reserved;
                });
                options.RegisterActivity<int, int>("reserve", async (_, amount) =>
                {
                    Interlocked.Increment(ref _reserved);
                    await (whileReserving?.Invoke() ?? Task.CompletedTask);
                    return amount * 2;
                });
            }),
            app => app.MapGet("/", () => "open"), Cancel);
        await shop.WorkerReadyAsync(cancellationToken: Cancel);
        return shop;
    }
}
