using Dapr.Workflow.Abstractions;
using Dapr.Workflow.Worker;

namespace Dapr.Workflow;

/// <summary>The workflows and activities an app registers by hand. They win over the automatic registration.</summary>
public sealed class WorkflowRuntimeOptions
{
    private readonly List<Action<IWorkflowsFactory>> _registrations = [];

    /// <summary>Registers a workflow class.</summary>
    /// <typeparam name="TWorkflow">The class; made with services of the work item's scope.</typeparam>
    /// <param name="name">The name; null: the class name.</param>
    public void RegisterWorkflow<TWorkflow>(string? name = null)
        where TWorkflow : class, IWorkflow => _registrations.Add(f => f.RegisterWorkflow<TWorkflow>(name));

    /// <summary>Registers a function as a workflow.</summary>
    /// <typeparam name="TInput">Type of the input.</typeparam>
    /// <typeparam name="TOutput">Type of the output.</typeparam>
    /// <param name="name">The name.</param>
    /// <param name="implementation">The workflow's code.</param>
    public void RegisterWorkflow<TInput, TOutput>(string name, Func<WorkflowContext, TInput, Task<TOutput>> implementation) =>
        _registrations.Add(f => f.RegisterWorkflow(name, implementation));

    /// <summary>Registers an activity class.</summary>
    /// <typeparam name="TActivity">The class; made with services of the work item's scope.</typeparam>
    /// <param name="name">The name; null: the class name.</param>
    public void RegisterActivity<TActivity>(string? name = null)
        where TActivity : class, IWorkflowActivity => _registrations.Add(f => f.RegisterActivity<TActivity>(name));

    /// <summary>Registers a function as an activity.</summary>
    /// <typeparam name="TInput">Type of the input.</typeparam>
    /// <typeparam name="TOutput">Type of the output.</typeparam>
    /// <param name="name">The name.</param>
    /// <param name="implementation">The activity's code.</param>
    public void RegisterActivity<TInput, TOutput>(string name, Func<WorkflowActivityContext, TInput, Task<TOutput>> implementation) =>
        _registrations.Add(f => f.RegisterActivity(name, implementation));

    /// <summary>Hands the registrations to a factory.</summary>
    /// <param name="factory">The factory.</param>
    public void ApplyRegistrations(IWorkflowsFactory factory) => _registrations.ForEach(register => register(factory));
}
