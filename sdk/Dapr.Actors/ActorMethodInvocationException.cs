namespace Dapr.Actors;

/// <summary>A method of an actor threw; the inner exception tells what.</summary>
public class ActorMethodInvocationException : DaprApiException
{
    /// <summary>Creates the exception without details.</summary>
    public ActorMethodInvocationException() { }

    /// <summary>Creates the exception with a message.</summary>
    public ActorMethodInvocationException(string message, bool isTransient) : this(message, null, isTransient) { }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public ActorMethodInvocationException(string message, Exception? innerException, bool isTransient)
        : base(message, innerException, "ERR_ACTOR_INVOKE_METHOD", isTransient) { }
}
