using System.Reflection;
using Dapr.Workflow.Serialization;
using Dapr.Workflow.Worker;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Dapr.Workflow;

/// <summary>Adds workflows to an app.</summary>
public static class WorkflowServiceCollectionExtensions
{
    /// <summary>
    /// Adds <see cref="DaprWorkflowClient"/> and the worker, which runs every workflow and activity class of the app's assembly.
    /// </summary>
    /// <param name="services">The app's services.</param>
    public static IServiceCollection AddDaprWorkflow(this IServiceCollection services) => services.AddDaprWorkflow(_ => { });

    /// <summary>
    /// Adds <see cref="DaprWorkflowClient"/> and the worker. The sidecar's address is <c>DAPR_GRPC_ENDPOINT</c> or
    /// <c>DAPR_GRPC_PORT</c> (default 50001), its token <c>DAPR_API_TOKEN</c>; each from configuration, then environment.
    /// </summary>
    /// <param name="services">The app's services.</param>
    /// <param name="configure">Registers workflows and activities by hand.</param>
    /// <param name="lifetime">Lifetime of the client.</param>
    public static IServiceCollection AddDaprWorkflow(
        this IServiceCollection services,
        Action<WorkflowRuntimeOptions> configure,
        ServiceLifetime lifetime = ServiceLifetime.Singleton)
    {
        var options = services.FirstOrDefault(s => s.ServiceType == typeof(WorkflowRuntimeOptions))?.ImplementationInstance
            as WorkflowRuntimeOptions ?? new WorkflowRuntimeOptions();
        configure(options);

        services.TryAddSingleton(options);
        services.TryAddSingleton(WorkflowJson.Default);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(provider => SidecarConnection.Create(provider.GetService<IConfiguration>()));
        services.TryAddSingleton(provider => WorkerLimits.Read(provider.GetService<IConfiguration>()));
        services.TryAdd(new ServiceDescriptor(
            typeof(DaprWorkflowClient),
            provider => new DaprWorkflowClient(
                provider.GetRequiredService<SidecarConnection>(),
                provider.GetRequiredService<WorkflowJson>(),
                provider.GetRequiredService<TimeProvider>()),
            lifetime));
        services.TryAddSingleton(CreateFactory);
        services.TryAddSingleton<WorkflowTurnRunner>();
        services.TryAddSingleton<ActivityRunner>();
        services.AddHostedService<WorkflowWorker>();
        return services;
    }

    private static WorkflowsFactory CreateFactory(IServiceProvider provider)
    {
        var factory = new WorkflowsFactory();
        provider.GetRequiredService<WorkflowRuntimeOptions>().ApplyRegistrations(factory);
        WorkflowAutoRegistry.Apply(factory, FindAppAssembly(provider.GetService<IHostEnvironment>()));
        return factory;
    }

    /// <summary>The host's application name is the app's assembly, also under a test host; a process may have no such name.</summary>
    private static Assembly? FindAppAssembly(IHostEnvironment? environment) =>
        AppDomain.CurrentDomain.GetAssemblies().FirstOrDefault(a => a.GetName().Name == environment?.ApplicationName)
        ?? Assembly.GetEntryAssembly();
}
