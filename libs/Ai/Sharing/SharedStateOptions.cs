using System.ComponentModel.DataAnnotations;

namespace Ai.Sharing;

/// <summary>The state store in which replicas share cached answers and what was spent: section <c>Ai:Store</c>.</summary>
public sealed class SharedStateOptions
{
    /// <summary>Dapr component. Default <c>statestore</c>; empty: each process keeps its own. Without a <c>DaprClient</c> in the app likewise.</summary>
    public string Name { get; set; } = "statestore";

    /// <summary>Longest wait for it; after that it counts as away. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long it is left alone after a failure, so that calls do not wait for it one after the other. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan Pause { get; set; } = TimeSpan.FromSeconds(5);
}
