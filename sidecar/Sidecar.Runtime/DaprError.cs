namespace Sidecar.Runtime;

/// <summary>
/// An error of the Dapr API: status, <c>errorCode</c> and message of the JSON body, and for the richer shape a reason
/// (dapr-http §0.3).
/// </summary>
public sealed class DaprErrorException(int status, string errorCode, string message, string? reason = null, Exception? innerException = null)
    : Exception(message, innerException)
{
    public int Status { get; } = status;

    public string ErrorCode { get; } = errorCode;

    /// <summary><c>reason</c> of google.rpc.ErrorInfo; null for the legacy shape.</summary>
    public string? Reason { get; } = reason;

    /// <summary>What the error is about, for google.rpc.ResourceInfo.</summary>
    public (string Type, string Name)? Resource { get; init; }

    /// <summary>Response metadata that is sent although the call failed (bindings).</summary>
    public Abstractions.ComponentMetadata? Metadata { get; init; }
}
