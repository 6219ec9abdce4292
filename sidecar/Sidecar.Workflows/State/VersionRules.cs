using Tandem.Protocol.Workflows;
using ActionKind = Tandem.Protocol.Workflows.WorkflowAction.WorkflowActionTypeOneofCase;

namespace Sidecar.Workflows.State;

/// <summary>
/// Versions and patches (grpc §5.10). A worker names the patches that its code has applied so far, in order; a turn's
/// WorkflowStarted records the new ones. An instance stalls when a worker lacks its version or would take another path than
/// the recorded one; it goes on with the next worker.
/// </summary>
internal static class VersionRules
{
    /// <summary>Why the answer stalls the instance, or null.</summary>
    public static ExecutionStalledEvent? StallOf(InstanceState state, WorkflowResponse response)
    {
        if (response.Actions.Any(a => a.WorkflowActionTypeCase == ActionKind.WorkflowVersionNotAvailable))
        {
            return Stalled(StalledReason.VersionNotAvailable, $"Version not available: {state.VersionName}");
        }

        if (AnswerRules.Completion(response.Actions) is { WorkflowStatus: OrchestrationStatus.Stalled } completion)
        {
            return Stalled(StalledReason.PatchMismatch, completion.FailureDetails?.ErrorMessage ?? "The worker cannot go on with this history");
        }

        // An answer without actions and version says nothing of patches: .NET gives it to a suspension.
        if (state.Patches.Count == 0 || response is { Version: null, Actions.Count: 0 })
        {
            return null;
        }

        IReadOnlyList<string> current = response.Version?.Patches ?? [];
        return current.Take(state.Patches.Count).SequenceEqual(state.Patches)
            ? null
            : Stalled(
                StalledReason.PatchMismatch,
                $"Patch mismatch. History patches: [{string.Join(", ", state.Patches)}], current patches: [{string.Join(", ", current)}]");
    }

    /// <summary>What of a worker's version the history does not say yet.</summary>
    public static WorkflowVersion Unrecorded(WorkflowVersion version, IReadOnlyList<string> recorded)
    {
        var rest = new WorkflowVersion { Patches = { version.Patches.Skip(recorded.Count) } };
        if (version.HasName)
        {
            rest.Name = version.Name;
        }

        return rest;
    }

    private static ExecutionStalledEvent Stalled(StalledReason reason, string description) => new() { Reason = reason, Description = description };
}
