using Tandem.Protocol.Grpc;

namespace Grpc.Core;

/// <summary>A call to the sidecar ended with a status other than OK.</summary>
/// <remarks>Source-compatible subset of the type of the package Grpc.Core.Api.</remarks>
public class RpcException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="status">How the call ended.</param>
    public RpcException(Status status)
        : base(status.ToString()) => Status = status;

    /// <summary>Creates the exception with a text of its own.</summary>
    /// <param name="status">How the call ended.</param>
    /// <param name="message">The exception's text.</param>
    public RpcException(Status status, string message)
        : base(message) => Status = status;

    private RpcException(Status status, GrpcException innerException)
        : base(status.ToString(), innerException) => Status = status;

    /// <summary>How the call ended.</summary>
    public Status Status { get; }

    /// <summary>The code of <see cref="Status"/>.</summary>
    public StatusCode StatusCode => Status.StatusCode;

    internal static RpcException From(GrpcException exception) =>
        new(new Status((StatusCode)(int)exception.StatusCode, exception.Detail), exception);
}
