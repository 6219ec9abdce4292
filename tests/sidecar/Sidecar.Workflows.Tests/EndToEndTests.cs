using Dapr.Workflow;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sidecar.Testing;

namespace Sidecar.Workflows.Tests;

/// <summary>The SDK's worker and client, the service on a socket, and the durable file store.</summary>
public sealed class EndToEndTests
{
    [Fact]
    public async Task Sdk_workflow_runs_to_its_end_across_a_restart_of_engine_and_store()
    {
        await using var dapr = await SidecarHost.StartAsync(options => options.AddComponent("statestore", "state.tandem", ("actorStateStore", "true")));
        var app = await dapr.StartAppAsync("shop", builder => Register(builder.Services), _ => { });
        var client = app.Services.GetRequiredService<DaprWorkflowClient>();
        await app.WorkerReadyAsync();

        var id = await client.ScheduleNewWorkflowAsync(nameof(Order), "order-1", 20);
        await dapr.WaitForIdleAsync();
        await dapr.AdvanceAsync(TimeSpan.FromMilliseconds(10));
        await dapr.WaitForIdleAsync();
        Assert.Equal("waiting", (await client.GetWorkflowStateAsync(id))!.ReadCustomStatusAs<string>());
        await dapr.RestartAsync();
        await app.WorkerReadyAsync();
        await client.RaiseEventAsync(id, "approve", 2);
        var state = await client.WaitForWorkflowCompletionAsync(id).WaitAsync(EngineHost.Patience);

        Assert.Equal(WorkflowRuntimeStatus.Completed, state.RuntimeStatus);
        Assert.Equal(20 + 1 + 1 + 10 + 2, state.ReadOutputAs<int>());
    }

    internal static IHost BuildApp(Uri sidecar)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["DAPR_GRPC_ENDPOINT"] = sidecar.ToString().TrimEnd('/'),
        });
        Register(builder.Services);
        return builder.Build();
    }

    private static void Register(IServiceCollection services) => services.AddDaprWorkflow(options =>
    {
        options.RegisterWorkflow<Order>();
        options.RegisterWorkflow<Shipping>();
        options.RegisterActivity<AddOne>();
    });

    internal sealed class Order : Workflow<int, int>
    {
        public override async Task<int> RunAsync(WorkflowContext context, int input)
        {
            var sum = await context.CallActivityAsync<int>(nameof(AddOne), input);
            sum = await context.CallActivityAsync<int>(nameof(AddOne), sum);
            await context.CreateTimer(TimeSpan.FromMilliseconds(10));
            sum += await context.CallChildWorkflowAsync<int>(nameof(Shipping), 10);
            context.SetCustomStatus("waiting");
            return sum + await context.WaitForExternalEventAsync<int>("approve");
        }
    }

    internal sealed class Shipping : Workflow<int, int>
    {
        public override async Task<int> RunAsync(WorkflowContext context, int input) =>
            await context.CallActivityAsync<int>(nameof(AddOne), input) - 1;
    }

    internal sealed class AddOne : WorkflowActivity<int, int>
    {
        public override Task<int> RunAsync(WorkflowActivityContext context, int input) => Task.FromResult(input + 1);
    }
}
