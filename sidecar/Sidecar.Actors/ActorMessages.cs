using Sidecar.Abstractions;

namespace Sidecar.Actors;

/// <summary>A call of an actor's method.</summary>
public sealed record ActorCall(string ActorType, string ActorId, string Method, ReadOnlyMemory<byte> Body)
{
    /// <summary>The caller's headers; what belongs to its connection alone is not passed on.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>The caller's query with its question mark, or nothing.</summary>
    public string Query { get; init; } = "";
}

/// <summary>What the app answered to a call: 200, or an error of the application that goes to the caller as it is.</summary>
/// <param name="Status">The app's status.</param>
/// <param name="Headers">The app's headers.</param>
/// <param name="Body">The app's body.</param>
public sealed record ActorAnswer(int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body)
{
    private const string ErrorHeader = "X-Daprerrorresponseheader";

    /// <summary>Whether it is an error of the actor's own (protocol: HTTP §6.1).</summary>
    public bool IsActorError => Header(ErrorHeader) is not null;

    internal bool IsSuccess => Status == 200 || IsActorError;

    internal string? Header(string header) => Headers.FirstOrDefault(entry => entry.Key.Equals(header, StringComparison.OrdinalIgnoreCase)).Value;
}

/// <summary>One write of an actor's state transaction; a null value deletes.</summary>
public sealed record ActorStateOperation(string Key, ReadOnlyMemory<byte>? Value, ComponentMetadata Metadata);

/// <summary>How many actors of a type are active in an app instance.</summary>
public sealed record ActiveActors(string Type, int Count);
