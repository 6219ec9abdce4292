using Dapr.Workflow;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Components.Tandem;

namespace Sidecar.Workflows.Tests;

/// <summary>The SDK's worker and client, the service on a socket, and the durable file store.</summary>
public sealed class EndToEndTests
{
    [Fact]
    public async Task Sdk_workflow_runs_to_its_end_across_a_restart_of_engine_and_store()
    {
        var directory = Directory.CreateTempSubdirectory("tandem-workflows-").FullName;
        try
        {
            var store = await OpenAsync(directory);
            await using var host = await EngineHost.StartAsync(store);
            using var app = BuildApp(host.Address);
            await app.StartAsync();
            var client = app.Services.GetRequiredService<DaprWorkflowClient>();

            var id = await client.ScheduleNewWorkflowAsync(nameof(Order), "order-1", 20);
            await EventuallyAsync(async () => (await client.GetWorkflowStateAsync(id)).ReadCustomStatusAs<string>() == "waiting");

            await host.Engine.DisposeAsync();
            await store.DisposeAsync();
            store = await OpenAsync(directory);
            await host.RestartAsync(store);

            await EventuallyAsync(async () =>
            {
                try
                {
                    await client.RaiseEventAsync(id, "approve", 2);
                    return true;
                }
                catch (Grpc.Core.RpcException exception) when (exception.StatusCode == Grpc.Core.StatusCode.Unavailable)
                {
                    return false;
                }
            });
            var state = await client.WaitForWorkflowCompletionAsync(id).WaitAsync(EngineHost.Patience);

            Assert.Equal(WorkflowRuntimeStatus.Completed, state.RuntimeStatus);
            Assert.Equal(20 + 1 + 1 + 10 + 2, state.ReadOutputAs<int>());
            await app.StopAsync();
            await host.Engine.DisposeAsync();
            await store.DisposeAsync();
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<IStateStore> OpenAsync(string directory)
    {
        var services = new ServiceCollection().AddSingleton(TimeProvider.System).BuildServiceProvider();
        var store = (IStateStore)new ComponentRegistry().AddTandem().Find("state.tandem")!(
            new ComponentContext("statestore", "state.tandem", "v1", ComponentMetadata.Empty, EngineHost.AppId, 0, directory, directory, services));
        await store.InitAsync(TestContext.Current.CancellationToken);
        return store;
    }

    internal static IHost BuildApp(Uri sidecar)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["DAPR_GRPC_ENDPOINT"] = sidecar.ToString().TrimEnd('/'),
        });
        builder.Services.AddDaprWorkflow(options =>
        {
            options.RegisterWorkflow<Order>();
            options.RegisterWorkflow<Shipping>();
            options.RegisterActivity<AddOne>();
        });
        return builder.Build();
    }

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(EngineHost.Patience);
        while (!await condition())
        {
            await Task.Delay(20, patience.Token);
        }
    }

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
