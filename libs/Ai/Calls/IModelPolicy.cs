namespace Ai.Calls;

/// <summary>The rest of the way to the provider.</summary>
public delegate ValueTask<ModelAnswer> ModelHandler(ModelCall call, CancellationToken cancellationToken);

/// <summary>
/// One concern around model calls, the same for text, streams, embeddings and pictures. It is registered as a service and stands where its
/// <see cref="Place"/> says. A handler's failure is a <see cref="ModelException"/>; a streamed answer fails later, to whoever reads it.
/// </summary>
public interface IModelPolicy
{
    /// <summary>Where it stands.</summary>
    PolicyPlace Place { get; }

    /// <summary>Handles a call: passes it on to <paramref name="next"/> once, several times, or not at all.</summary>
    ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken);
}

/// <summary>Order of the policies, the outermost first; each place has one policy.</summary>
public enum PolicyPlace
{
    /// <summary>Declines what must not be asked or shown.</summary>
    Moderation,

    /// <summary>Answers from an earlier call, or together with an equal one that runs.</summary>
    Cache,

    /// <summary>Limits the whole call with its queue, attempts and fallbacks.</summary>
    TotalTimeout,

    /// <summary>Goes on to the next model of the chain. What stands below is done for each model that is tried.</summary>
    Fallback,

    /// <summary>Span and metrics of the call to one model.</summary>
    Telemetry,

    /// <summary>Money and tokens of the day and the user.</summary>
    Budget,

    /// <summary>Waits for a place among the calls that run.</summary>
    Admission,

    /// <summary>Sends again. What stands below is done for each attempt.</summary>
    Retry,

    /// <summary>Pauses a model that fails.</summary>
    Breaker,

    /// <summary>Chooses the key.</summary>
    Keys,

    /// <summary>Limits the wait for the first piece and between two.</summary>
    Timeouts,
}
