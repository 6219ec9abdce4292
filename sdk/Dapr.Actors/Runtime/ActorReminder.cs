namespace Dapr.Actors.Runtime;

/// <summary>A reminder of an actor.</summary>
public class ActorReminder : ActorReminderToken, IActorReminder
{
    /// <summary>Creates a reminder without end.</summary>
    public ActorReminder(string actorType, ActorId actorId, string name, byte[]? state, TimeSpan dueTime, TimeSpan period)
        : this(actorType, actorId, name, state, dueTime, period, null, null) { }

    /// <summary>Creates a reminder that ends after a time.</summary>
    public ActorReminder(string actorType, ActorId actorId, string name, byte[]? state, TimeSpan dueTime, TimeSpan period, TimeSpan ttl)
        : this(actorType, actorId, name, state, dueTime, period, null, ttl) { }

    /// <summary>Creates a reminder that ends after some turns.</summary>
    public ActorReminder(string actorType, ActorId actorId, string name, byte[]? state, TimeSpan dueTime, TimeSpan period, int? repetitions)
        : this(actorType, actorId, name, state, dueTime, period, repetitions, null) { }

    /// <summary>Creates a reminder that ends after some turns or a time.</summary>
    public ActorReminder(
        string actorType, ActorId actorId, string name, byte[]? state, TimeSpan dueTime, TimeSpan period, int? repetitions, TimeSpan? ttl)
        : base(actorType, actorId, name)
    {
        Schedule.Check(dueTime, period, ttl);
        if (repetitions is <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(repetitions), repetitions, "A reminder has one turn at least.");
        }

        (State, DueTime, Period, Repetitions, Ttl) = (state ?? [], dueTime, period, repetitions, ttl);
    }

    /// <inheritdoc/>
    public TimeSpan DueTime { get; }

    /// <inheritdoc/>
    public TimeSpan Period { get; }

    /// <summary>How many turns there are; without end when null.</summary>
    public int? Repetitions { get; }

    /// <inheritdoc/>
    public byte[] State { get; }

    /// <summary>Time after which it ends; never when null.</summary>
    public TimeSpan? Ttl { get; }
}
