namespace Dapr.Workflow.Abstractions.Attributes;

/// <summary>Names a workflow class for the automatic registration.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = false)]
public sealed class WorkflowAttribute : Attribute
{
    /// <summary>Registers under the class name.</summary>
    public WorkflowAttribute()
    {
    }

    /// <summary>Registers under a name of its own.</summary>
    /// <param name="name">The name.</param>
    public WorkflowAttribute(string name) => Name = name;

    /// <summary>The name; null: the class name.</summary>
    public string? Name { get; }
}
