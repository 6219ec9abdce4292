using System.Diagnostics;
using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Worker;

/// <summary>The trace context that travels in workflow messages.</summary>
internal static class TraceParent
{
    public const string SourceName = "Dapr.Workflow";

    public static readonly ActivitySource Source = new(SourceName);

    public static TraceContext? Current() =>
        Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } id } activity
            ? new TraceContext { TraceParent = id, TraceState = activity.TraceStateString }
            : null;

    public static ActivityContext Parse(TraceContext? context) =>
        ActivityContext.TryParse(context?.TraceParent, context?.TraceState, isRemote: true, out var parsed) ? parsed : default;

    /// <summary>
    /// Makes <paramref name="context"/> current without a span of its own: a workflow turn is a replay, and would show
    /// the same span again and again.
    /// </summary>
    public static Activity? Restore(TraceContext? context)
    {
        if (string.IsNullOrEmpty(context?.TraceParent))
        {
            return null;
        }

        var activity = new Activity("WorkflowTurn").SetParentId(context.TraceParent);
        activity.TraceStateString = context.TraceState;
        return activity.Start();
    }
}
