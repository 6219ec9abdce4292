namespace Dapr.Actors.Runtime;

/// <summary>What happened to a state of an actor since it was read or saved.</summary>
public enum StateChangeKind
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It is new.</summary>
    Add = 1,

    /// <summary>It has another value.</summary>
    Update = 2,

    /// <summary>It is gone.</summary>
    Remove = 3,
}
