namespace Dapr.Workflow.Abstractions.Attributes;

/// <summary>Names an activity class for the automatic registration.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = false)]
public sealed class WorkflowActivityAttribute : Attribute
{
    /// <summary>Registers under the class name.</summary>
    public WorkflowActivityAttribute()
    {
    }

    /// <summary>Registers under a name of its own.</summary>
    /// <param name="name">The name.</param>
    public WorkflowActivityAttribute(string name) => Name = name;

    /// <summary>The name; null: the class name.</summary>
    public string? Name { get; }
}
