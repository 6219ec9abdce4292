namespace Dapr.Actors;

/// <summary>What an actor's method threw, as told by its host.</summary>
public class ActorInvokeException : Exception
{
    /// <summary>Creates the exception without details.</summary>
    public ActorInvokeException() { }

    /// <summary>Creates the exception with the type and the message of the one that was thrown.</summary>
    public ActorInvokeException(string? actualExceptionType, string? message) : base(message) => ActualExceptionType = actualExceptionType;

    /// <summary>Full name of the type of the exception that was thrown.</summary>
    public string? ActualExceptionType { get; }
}
