namespace Dapr.Actors.Runtime;

/// <summary>A timer of an actor: it is gone when the actor is deactivated.</summary>
public class ActorTimer : ActorTimerToken
{
    /// <summary>Creates a timer without end.</summary>
    public ActorTimer(string actorType, ActorId actorId, string name, string timerCallback, byte[]? data, TimeSpan dueTime, TimeSpan period)
        : this(actorType, actorId, name, timerCallback, data, dueTime, period, null) { }

    /// <summary>Creates a timer that ends after a time.</summary>
    public ActorTimer(
        string actorType, ActorId actorId, string name, string timerCallback, byte[]? data, TimeSpan dueTime, TimeSpan period, TimeSpan ttl)
        : this(actorType, actorId, name, timerCallback, data, dueTime, period, (TimeSpan?)ttl) { }

    private ActorTimer(
        string actorType, ActorId actorId, string name, string timerCallback, byte[]? data, TimeSpan dueTime, TimeSpan period, TimeSpan? ttl)
        : base(actorType, actorId, name)
    {
        Schedule.Check(dueTime, period, ttl);
        (TimerCallback, Data, DueTime, Period, Ttl) = (timerCallback, data ?? [], dueTime, period, ttl);
    }

    /// <summary>Name of the actor's method that is called.</summary>
    public string TimerCallback { get; }

    /// <summary>What the method is told with each turn.</summary>
    public byte[] Data { get; }

    /// <summary>Time to its first turn.</summary>
    public TimeSpan DueTime { get; }

    /// <summary>Time between turns; negative when there is only one.</summary>
    public TimeSpan Period { get; }

    /// <summary>Time after which it ends; never when null.</summary>
    public TimeSpan? Ttl { get; }
}
