namespace Sidecar.Workflows;

/// <summary>Limits and times of a <see cref="WorkflowEngine"/>.</summary>
public sealed record WorkflowEngineOptions
{
    /// <summary>Most workflow turns in flight on one work-item stream. Default 100, what the SDKs process at once.</summary>
    public int MaxTurnsPerStream { get; init; } = 100;

    /// <summary>Most activities in flight on one work-item stream. Default 100.</summary>
    public int MaxActivitiesPerStream { get; init; } = 100;

    /// <summary>
    /// Most activity results of the engine that may wait for the commit of the turn they started, instead of being
    /// written to the inbox first. Each holds a call of the worker open, so it stays below the 100 streams that an HTTP/2
    /// connection has by default. 0 writes every result on its own. Default 64.
    /// </summary>
    public int MaxHeldResults { get; init; } = 64;

    /// <summary>Approximate bytes of runtime state that is kept for instances between turns. Default 64 MiB.</summary>
    public long HotStateBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>How long ended instances are kept, by status. Default 24 h for all.</summary>
    public WorkflowRetention Retention { get; init; } = new() { AnyTerminal = TimeSpan.FromHours(24) };

    /// <summary>
    /// Time between two looks for ended instances past their retention; what is kept no longer than this has a timer of its
    /// own. Default 1 h.
    /// </summary>
    public TimeSpan RetentionSweepInterval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// StartInstance answers when the first turn is done, as Dapr does, if a worker is connected; otherwise, and with
    /// false, as soon as the instance is durable. Default true.
    /// </summary>
    public bool WaitForStart { get; init; } = true;

    /// <summary>First delay after a failed store operation; doubles up to <see cref="MaxStoreRetryDelay"/>. Default 100 ms.</summary>
    public TimeSpan StoreRetryDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest delay between two attempts after store failures. Default 10 s.</summary>
    public TimeSpan MaxStoreRetryDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest instance id in characters. Default 256.</summary>
    public int MaxInstanceIdLength { get; init; } = 256;
}
