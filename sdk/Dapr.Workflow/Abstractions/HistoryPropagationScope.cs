namespace Dapr.Workflow;

/// <summary>How much history a task is sent along with its input. Passed on to the engine.</summary>
public enum HistoryPropagationScope
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The calling workflow's own.</summary>
    OwnHistory = 1,

    /// <summary>The calling workflow's own and that of its parents.</summary>
    Lineage = 2,
}
