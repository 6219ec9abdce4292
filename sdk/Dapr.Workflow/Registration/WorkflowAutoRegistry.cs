using System.Reflection;
using Dapr.Workflow.Abstractions;
using Dapr.Workflow.Abstractions.Attributes;
using Dapr.Workflow.Worker;

namespace Dapr.Workflow;

/// <summary>
/// Registrations that need no call in the app. The official package fills this by a source generator; here the
/// workflow and activity classes of the app's assembly are found by reflection when the worker starts.
/// </summary>
public static class WorkflowAutoRegistry
{
    private static readonly Lock Gate = new();
    private static readonly List<Action<WorkflowRuntimeOptions>> Registrations = [];

    /// <summary>Adds a registration that every worker of the process applies after its own.</summary>
    /// <param name="registration">Registers workflows and activities.</param>
    public static void Register(Action<WorkflowRuntimeOptions> registration)
    {
        lock (Gate)
        {
            Registrations.Add(registration);
        }
    }

    internal static void Apply(WorkflowsFactory factory, Assembly? appAssembly)
    {
        var options = new WorkflowRuntimeOptions();
        lock (Gate)
        {
            Registrations.ForEach(register => register(options));
        }

        options.ApplyRegistrations(factory);
        foreach (var type in appAssembly?.GetTypes() ?? [])
        {
            // Private nested classes are out of a generator's reach too.
            if (type is not { IsClass: true, IsAbstract: false, ContainsGenericParameters: false } || type.IsNestedPrivate)
            {
                continue;
            }

            if (typeof(IWorkflow).IsAssignableFrom(type))
            {
                factory.AddWorkflow(type, type.GetCustomAttribute<WorkflowAttribute>()?.Name);
            }
            else if (typeof(IWorkflowActivity).IsAssignableFrom(type))
            {
                factory.AddActivity(type, type.GetCustomAttribute<WorkflowActivityAttribute>()?.Name);
            }
        }
    }
}
