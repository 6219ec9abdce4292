namespace Dapr.Actors.Runtime;

/// <summary>What an actor is about to do or has done.</summary>
public struct ActorMethodContext
{
    internal ActorMethodContext(string methodName, ActorCallType callType)
    {
        MethodName = methodName;
        CallType = callType;
    }

    /// <summary>Name of the method.</summary>
    public string MethodName { get; }

    /// <summary>Why it is called.</summary>
    public ActorCallType CallType { get; }
}
