namespace Dapr.Actors.Communication;

/// <summary>What the answer to a typed proxy says beside its result.</summary>
public interface IActorResponseMessageHeader
{
    /// <summary>Adds a header.</summary>
    void AddHeader(string headerName, byte[] headerValue);

    /// <summary>Reads a header.</summary>
    bool TryGetHeaderValue(string headerName, out byte[] headerValue);

    /// <summary>Whether there are none.</summary>
    bool CheckIfItsEmpty();
}
