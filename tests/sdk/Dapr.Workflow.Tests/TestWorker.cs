using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dapr.Workflow.Tests;

/// <summary>An app with a workflow worker on a fake engine.</summary>
internal sealed class TestWorker(FakeEngine engine, IHost host) : IAsyncDisposable
{
    public FakeEngine Engine { get; } = engine;

    public DaprWorkflowClient Client { get; } = host.Services.GetRequiredService<DaprWorkflowClient>();

    public static Task<TestWorker> StartAsync<TInput, TOutput>(Func<WorkflowContext, TInput, Task<TOutput>> workflow) =>
        StartAsync(options => options.RegisterWorkflow("Order", workflow));

    public static async Task<TestWorker> StartAsync(
        Action<WorkflowRuntimeOptions> configure, Action<IServiceCollection>? services = null, params (string Key, string Value)[] settings)
    {
        var engine = await FakeEngine.StartAsync();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(
            [new("DAPR_GRPC_PORT", $"{engine.Port}"), new("DAPR_API_TOKEN", "token"), .. settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value))]);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        builder.Services.AddDaprWorkflow(configure);
        services?.Invoke(builder.Services);
        var host = builder.Build();
        await host.StartAsync();
        return new TestWorker(engine, host);
    }

    public Script Script(string input = "") => new(Engine, input);

    public Task StopAsync() => host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync();
        host.Dispose();
        await Engine.DisposeAsync();
    }
}
