namespace Grpc.Core;

/// <summary>How a gRPC call ended.</summary>
/// <remarks>Source-compatible subset of the type of the package Grpc.Core.Api.</remarks>
/// <param name="statusCode">The code.</param>
/// <param name="detail">The server's text; may be empty.</param>
public readonly struct Status(StatusCode statusCode, string detail)
{
    /// <summary>The code.</summary>
    public StatusCode StatusCode { get; } = statusCode;

    /// <summary>The server's text; may be empty.</summary>
    public string Detail { get; } = detail;

    /// <inheritdoc />
    public override string ToString() => $"Status(StatusCode=\"{StatusCode}\", Detail=\"{Detail}\")";
}
