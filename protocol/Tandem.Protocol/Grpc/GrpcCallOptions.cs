namespace Tandem.Protocol.Grpc;

/// <summary>What is special about one call.</summary>
public readonly record struct GrpcCallOptions
{
    /// <summary>
    /// When the call ends with DEADLINE_EXCEEDED; the rest of the time travels as <c>grpc-timeout</c>. Null: never.
    /// </summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Metadata of the request, lower-case keys. Null: none.</summary>
    public IReadOnlyCollection<KeyValuePair<string, string>>? Headers { get; init; }

    /// <summary>
    /// Called with the response's headers when the server has accepted the call, which on a stream may be long before the
    /// first message. Null: nobody asks.
    /// </summary>
    public Action<GrpcMetadata>? OnResponseStarted { get; init; }

    /// <summary>
    /// Called with the trailers when the server has ended the call with OK; those of another status are in
    /// <see cref="GrpcException.Trailers"/>. Null: nobody asks.
    /// </summary>
    public Action<GrpcMetadata>? OnCompleted { get; init; }
}
