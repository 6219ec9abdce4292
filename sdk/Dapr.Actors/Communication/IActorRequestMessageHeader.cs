namespace Dapr.Actors.Communication;

/// <summary>What a call of a typed proxy says beside its arguments.</summary>
public interface IActorRequestMessageHeader
{
    /// <summary>Id of the method.</summary>
    int MethodId { get; set; }

    /// <summary>Id of the interface.</summary>
    int InterfaceId { get; set; }

    /// <summary>Id of the call; may be absent.</summary>
    string InvocationId { get; set; }

    /// <summary>Name of the method.</summary>
    string MethodName { get; set; }

    /// <summary>Id of the actor.</summary>
    ActorId ActorId { get; set; }

    /// <summary>Type of the actor.</summary>
    string ActorType { get; set; }

    /// <summary>What identifies the logical call.</summary>
    string CallContext { get; set; }

    /// <summary>Adds a header of the caller's own.</summary>
    void AddHeader(string headerName, byte[] headerValue);

    /// <summary>Reads a header of the caller's own.</summary>
    bool TryGetHeaderValue(string headerName, out byte[] headerValue);
}
