using Dapr.Workflow.Abstractions;
using Microsoft.Extensions.DependencyInjection;

namespace Dapr.Workflow.Worker;

/// <inheritdoc cref="IWorkflowsFactory" />
internal sealed class WorkflowsFactory : IWorkflowsFactory
{
    private readonly Dictionary<string, Func<IServiceProvider, IWorkflow>> _workflows = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Func<IServiceProvider, IWorkflowActivity>> _activities = new(StringComparer.OrdinalIgnoreCase);

    public int WorkflowCount => _workflows.Count;

    public int ActivityCount => _activities.Count;

    public void RegisterWorkflow<TWorkflow>(string? name = null)
        where TWorkflow : class, IWorkflow => AddWorkflow(typeof(TWorkflow), name);

    public void RegisterWorkflow<TInput, TOutput>(string name, Func<WorkflowContext, TInput, Task<TOutput>> implementation) =>
        _workflows.TryAdd(name, _ => new FunctionWorkflow<TInput, TOutput>(implementation));

    public void RegisterActivity<TActivity>(string? name = null)
        where TActivity : class, IWorkflowActivity => AddActivity(typeof(TActivity), name);

    public void RegisterActivity<TInput, TOutput>(string name, Func<WorkflowActivityContext, TInput, Task<TOutput>> implementation) =>
        _activities.TryAdd(name, _ => new FunctionActivity<TInput, TOutput>(implementation));

    public void AddWorkflow(Type type, string? name) =>
        _workflows.TryAdd(name ?? type.Name, provider => (IWorkflow)ActivatorUtilities.CreateInstance(provider, type));

    public void AddActivity(Type type, string? name) =>
        _activities.TryAdd(name ?? type.Name, provider => (IWorkflowActivity)ActivatorUtilities.CreateInstance(provider, type));

    public bool TryCreateWorkflow(
        TaskIdentifier identifier, IServiceProvider serviceProvider, out IWorkflow? workflow, out Exception? activationException) =>
        TryCreate(_workflows, identifier, serviceProvider, out workflow, out activationException);

    public bool TryCreateActivity(
        TaskIdentifier identifier, IServiceProvider serviceProvider, out IWorkflowActivity? activity, out Exception? activationException) =>
        TryCreate(_activities, identifier, serviceProvider, out activity, out activationException);

    private static bool TryCreate<T>(
        Dictionary<string, Func<IServiceProvider, T>> registered, string name, IServiceProvider provider, out T? instance, out Exception? exception)
        where T : class
    {
        (instance, exception) = (null, null);
        if (!registered.TryGetValue(name, out var create))
        {
            return false;
        }

        try
        {
            instance = create(provider);
            return true;
        }
        catch (Exception thrown)
        {
            exception = thrown;
            return false;
        }
    }

    private sealed class FunctionWorkflow<TInput, TOutput>(Func<WorkflowContext, TInput, Task<TOutput>> implementation) : Workflow<TInput, TOutput>
    {
        public override Task<TOutput> RunAsync(WorkflowContext context, TInput input) => implementation(context, input);
    }

    private sealed class FunctionActivity<TInput, TOutput>(Func<WorkflowActivityContext, TInput, Task<TOutput>> implementation)
        : WorkflowActivity<TInput, TOutput>
    {
        public override Task<TOutput> RunAsync(WorkflowActivityContext context, TInput input) => implementation(context, input);
    }
}
