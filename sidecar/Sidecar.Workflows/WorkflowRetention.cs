using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows;

/// <summary>
/// How long ended instances are kept (config §4, <c>spec.workflow.stateRetentionPolicy</c>). Zero removes them at once, null
/// keeps them until they are purged.
/// </summary>
public sealed record WorkflowRetention
{
    /// <summary>For statuses without a time of their own. Default null.</summary>
    public TimeSpan? AnyTerminal { get; init; }

    /// <summary>For COMPLETED. Default null: <see cref="AnyTerminal"/>.</summary>
    public TimeSpan? Completed { get; init; }

    /// <summary>For FAILED. Default null: <see cref="AnyTerminal"/>.</summary>
    public TimeSpan? Failed { get; init; }

    /// <summary>For TERMINATED. Default null: <see cref="AnyTerminal"/>.</summary>
    public TimeSpan? Terminated { get; init; }

    /// <summary>Whether anything is ever removed.</summary>
    internal bool Removes => (AnyTerminal ?? Completed ?? Failed ?? Terminated) is not null;

    /// <summary>The time for a status; null when instances with it are kept, or have not ended.</summary>
    internal TimeSpan? For(OrchestrationStatus status) => status switch
    {
        OrchestrationStatus.Completed => Completed ?? AnyTerminal,
        OrchestrationStatus.Failed => Failed ?? AnyTerminal,
        OrchestrationStatus.Terminated => Terminated ?? AnyTerminal,
        OrchestrationStatus.Canceled => AnyTerminal,
        _ => null,
    };
}
