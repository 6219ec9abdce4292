namespace Dapr.Actors.Runtime;

/// <summary>A value that may be absent.</summary>
public struct ConditionalValue<TValue>
{
    /// <summary>Creates the value.</summary>
    public ConditionalValue(bool hasValue, TValue value)
    {
        HasValue = hasValue;
        Value = value;
    }

    /// <summary>Whether there is a value.</summary>
    public bool HasValue { get; }

    /// <summary>The value, when there is one.</summary>
    public TValue Value { get; }
}
