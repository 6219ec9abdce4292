using Dapr.Workflow.Abstractions;

namespace Dapr.Workflow.Worker;

/// <summary>The worker's workflows and activities by name; names are compared without regard to case.</summary>
public interface IWorkflowsFactory
{
    /// <summary>Registers a workflow class; the first registration of a name wins.</summary>
    /// <typeparam name="TWorkflow">The class; made with services of the work item's scope.</typeparam>
    /// <param name="name">The name; null: the class name.</param>
    void RegisterWorkflow<TWorkflow>(string? name = null)
        where TWorkflow : class, IWorkflow;

    /// <summary>Registers a function as a workflow.</summary>
    /// <typeparam name="TInput">Type of the input.</typeparam>
    /// <typeparam name="TOutput">Type of the output.</typeparam>
    /// <param name="name">The name.</param>
    /// <param name="implementation">The workflow's code.</param>
    void RegisterWorkflow<TInput, TOutput>(string name, Func<WorkflowContext, TInput, Task<TOutput>> implementation);

    /// <summary>Registers an activity class; the first registration of a name wins.</summary>
    /// <typeparam name="TActivity">The class; made with services of the work item's scope.</typeparam>
    /// <param name="name">The name; null: the class name.</param>
    void RegisterActivity<TActivity>(string? name = null)
        where TActivity : class, IWorkflowActivity;

    /// <summary>Registers a function as an activity.</summary>
    /// <typeparam name="TInput">Type of the input.</typeparam>
    /// <typeparam name="TOutput">Type of the output.</typeparam>
    /// <param name="name">The name.</param>
    /// <param name="implementation">The activity's code.</param>
    void RegisterActivity<TInput, TOutput>(string name, Func<WorkflowActivityContext, TInput, Task<TOutput>> implementation);

    /// <summary>Makes a workflow.</summary>
    /// <param name="identifier">Its name.</param>
    /// <param name="serviceProvider">Services for its constructor.</param>
    /// <param name="workflow">The workflow, or null.</param>
    /// <param name="activationException">Why its constructor failed; null when the name is unknown.</param>
    bool TryCreateWorkflow(
        TaskIdentifier identifier, IServiceProvider serviceProvider, out IWorkflow? workflow, out Exception? activationException);

    /// <summary>Makes an activity.</summary>
    /// <param name="identifier">Its name.</param>
    /// <param name="serviceProvider">Services for its constructor.</param>
    /// <param name="activity">The activity, or null.</param>
    /// <param name="activationException">Why its constructor failed; null when the name is unknown.</param>
    bool TryCreateActivity(
        TaskIdentifier identifier, IServiceProvider serviceProvider, out IWorkflowActivity? activity, out Exception? activationException);
}
