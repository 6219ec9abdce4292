namespace Sidecar.Actors;

/// <summary>Limits and times of the actors of a process. What belongs to a type (idle timeout, drain, reentrancy) its app says in <c>/dapr/config</c>.</summary>
public sealed record ActorOptions
{
    /// <summary>Most calls that wait for their turn with one actor; further ones are refused. Default 1,000.</summary>
    public int MaxWaitingCalls { get; init; } = 1_000;

    /// <summary>How long a call waits for a host of a type that nobody hosts now (DaprBuiltInActorNotFoundRetries). Default 5 s.</summary>
    public TimeSpan LookupTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a turn may go on after its caller has gone. The app cannot be stopped in the middle, so the actor stays busy until the app
    /// answers, but not for ever. Default 60 s.
    /// </summary>
    public TimeSpan AbandonedTurnTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long an app may take over a deactivation. Default 10 s.</summary>
    public TimeSpan DeactivationTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
