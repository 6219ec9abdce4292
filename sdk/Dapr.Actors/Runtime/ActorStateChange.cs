namespace Dapr.Actors.Runtime;

/// <summary>One change of an actor's state.</summary>
public sealed class ActorStateChange
{
    /// <summary>Creates the change.</summary>
    public ActorStateChange(string stateName, Type type, object? value, StateChangeKind changeKind, DateTimeOffset? ttlExpireTime)
    {
        ArgumentException.ThrowIfNullOrEmpty(stateName);
        StateName = stateName;
        Type = type;
        Value = value!;
        ChangeKind = changeKind;
        TTLExpireTime = ttlExpireTime;
    }

    /// <summary>Name of the state.</summary>
    public string StateName { get; }

    /// <summary>Type its value is written as.</summary>
    public Type Type { get; }

    /// <summary>Its value; null when it is removed.</summary>
    public object Value { get; }

    /// <summary>What happened to it.</summary>
    public StateChangeKind ChangeKind { get; }

    /// <summary>When it ends; never when null.</summary>
    public DateTimeOffset? TTLExpireTime { get; }
}
