namespace Sidecar.Workflows;

/// <summary>The form of instance ids: anything that cannot be mistaken for a part of a key.</summary>
internal static class InstanceIds
{
    /// <summary>What is wrong with an id, or null.</summary>
    public static string? Fault(string instanceId, WorkflowEngineOptions options) =>
        instanceId.Length == 0 ? "the instance id is missing"
        : instanceId.Length > options.MaxInstanceIdLength ? $"the instance id has more than {options.MaxInstanceIdLength} characters"
        : instanceId.Contains("||", StringComparison.Ordinal) || instanceId.Any(char.IsControl) ? "the instance id has '||' or control characters in it"
        : null;
}
