namespace Sidecar.Actors;

/// <summary>A timer as registered; times in the formats of the protocol (HTTP §6.2), empty when not given.</summary>
public sealed record ActorTimerRequest(string DueTime, string Period, string Ttl, string Callback, ReadOnlyMemory<byte>? Data);

/// <summary>A reminder as registered; times in the formats of the protocol (HTTP §6.2), empty when not given.</summary>
/// <param name="DueTime">When it fires first; empty is now.</param>
/// <param name="Period">Time between two; empty is once.</param>
/// <param name="Ttl">When it ends.</param>
/// <param name="Data">What the app is told with each, JSON.</param>
public sealed record ActorReminderRequest(string DueTime, string Period, string Ttl, ReadOnlyMemory<byte>? Data)
{
    /// <summary>Whether one of the same name is replaced; else it is an error.</summary>
    public bool Overwrite { get; init; } = true;

    /// <summary>What happens when the app fails.</summary>
    public ActorFailurePolicy FailurePolicy { get; init; } = ActorFailurePolicy.Default;
}

/// <summary>What happens when an app fails to take a reminder.</summary>
/// <param name="Interval">Wait before each further try.</param>
/// <param name="MaxRetries">Tries after the first, null without end; then the next period has its turn.</param>
public sealed record ActorFailurePolicy(TimeSpan Interval, int? MaxRetries)
{
    /// <summary>Three tries, a second apart.</summary>
    public static readonly ActorFailurePolicy Default = new(TimeSpan.FromSeconds(1), 2);

    /// <summary>One try.</summary>
    public static readonly ActorFailurePolicy Drop = new(TimeSpan.Zero, 0);
}

/// <summary>A reminder that is there.</summary>
public sealed record ActorReminder(string ActorType, string ActorId, string Name, string DueTime, string Period, string Ttl, ReadOnlyMemory<byte>? Data);
