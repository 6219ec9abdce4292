using System.Diagnostics.CodeAnalysis;

namespace Dapr.Client;

/// <summary>Outcome of a try to get a lock; disposing it gives the lock back.</summary>
[Experimental("DAPR_DISTRIBUTEDLOCK")]
public sealed class TryLockResponse : IAsyncDisposable
{
    /// <summary>For implementations.</summary>
    public TryLockResponse() { }

    internal Func<ValueTask>? Release { get; init; }

    /// <summary>Whether the lock is held now.</summary>
    public bool Success { get; init; }

    /// <summary>Resource.</summary>
    public string ResourceId { get; init; } = "";

    /// <summary>Owner.</summary>
    public string LockOwner { get; init; } = "";

    /// <summary>Component.</summary>
    public string StoreName { get; init; } = "";

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Success && Release is not null ? Release() : ValueTask.CompletedTask;
}

/// <summary>Outcome of giving a lock back.</summary>
public enum LockStatus
{
    /// <summary>Given back.</summary>
    Success = 0,

    /// <summary>Nobody holds it.</summary>
    LockDoesNotExist = 1,

    /// <summary>Another owner holds it.</summary>
    LockBelongsToOthers = 2,

    /// <summary>The store failed.</summary>
    InternalError = 3,
}

/// <summary>Answer to giving a lock back.</summary>
public class UnlockResponse
{
    /// <summary>Creates the answer.</summary>
    public UnlockResponse(LockStatus status) => this.status = status;

    /// <summary>Outcome.</summary>
#pragma warning disable IDE1006 // The official name.
    public LockStatus status { get; set; }
#pragma warning restore IDE1006
}
