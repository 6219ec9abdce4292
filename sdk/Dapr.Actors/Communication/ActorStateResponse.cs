namespace Dapr.Actors.Communication;

/// <summary>A state as it was read.</summary>
public class ActorStateResponse<T>
{
    /// <summary>Creates the answer.</summary>
    public ActorStateResponse(T value, DateTimeOffset? ttlExpireTime)
    {
        Value = value;
        TTLExpireTime = ttlExpireTime;
    }

    /// <summary>Its value.</summary>
    public T Value { get; }

    /// <summary>When it ends; never when null.</summary>
    public DateTimeOffset? TTLExpireTime { get; }
}
