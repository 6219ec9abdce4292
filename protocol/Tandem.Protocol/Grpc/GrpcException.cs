namespace Tandem.Protocol.Grpc;

/// <summary>
/// A call ended with a status other than OK. A server method throws it to choose the status; a client call throws it
/// for every failure except cancellation by its own token, which is an <see cref="OperationCanceledException"/>.
/// </summary>
public sealed class GrpcException : Exception
{
    public GrpcException(GrpcStatusCode statusCode, string detail, Exception? innerException = null)
        : base($"{statusCode}: {detail}", innerException)
    {
        StatusCode = statusCode;
        Detail = detail;
    }

    public GrpcStatusCode StatusCode { get; }

    /// <summary>The text of <c>grpc-message</c>, decoded.</summary>
    public string Detail { get; }

    /// <summary>What a client call got with the status. A server method sets <see cref="GrpcCallContext.ResponseTrailers"/> instead.</summary>
    public GrpcMetadata Trailers { get; init; } = GrpcMetadata.Empty;
}
