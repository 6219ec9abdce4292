using Microsoft.AspNetCore.Http;
using Tandem.Protocol.Grpc;

namespace Sidecar.Api.Grpc;

/// <summary>
/// First in line on a gRPC port, behind the check of the token: what is no call of a service that is here has ended after it. The HTTP API is
/// not served on these ports.
/// </summary>
internal static class GrpcDoor
{
    private const string TraceBin = "grpc-trace-bin";

    /// <summary>Whether the call is to go on to its service.</summary>
    public static bool Admits(HttpContext http)
    {
        if (http.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) != true)
        {
            http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return false;
        }

        var service = http.Request.Path.Value!.Split('/') is ["", var name, _] ? name : "";
        if (service is not (DaprService.Name or "TaskHubSidecarService"))
        {
            // A trailers-only answer; the request may be a stream that stays open, and is not read.
            http.Response.ContentType = "application/grpc";
            http.Response.Headers["grpc-status"] = ((int)GrpcStatusCode.Unimplemented).ToString(System.Globalization.CultureInfo.InvariantCulture);
            http.Response.Headers["grpc-message"] = http.Request.Headers["dapr-app-id"].Count > 0
                ? "the embedded sidecar does not pass gRPC calls on to apps; invoke them over HTTP"
                : "the embedded sidecar does not have this service";
            return false;
        }

        // From here on trace context is where HTTP has it.
        if (http.Request.Headers.TraceParent.Count == 0 && BinaryTrace.ToTraceParent(http.Request.Headers[TraceBin].ToString()) is { } parent)
        {
            http.Request.Headers.TraceParent = parent;
        }

        return true;
    }
}

/// <summary>Trace context of <c>grpc-trace-bin</c> (grpc §1.4): 0, 0 and 16 bytes of trace id, 1 and 8 bytes of span id, 2 and the flags.</summary>
internal static class BinaryTrace
{
    private const int Length = 29;

    /// <summary>The same as W3C traceparent; null when it is none.</summary>
    public static string? ToTraceParent(string base64)
    {
        Span<byte> bytes = stackalloc byte[Length + 1];
        return Convert.TryFromBase64String(base64.PadRight((base64.Length + 3) / 4 * 4, '='), bytes, out var length)
            && length == Length && bytes is [0, 0, ..] && bytes[18] == 1 && bytes[27] == 2
            ? $"00-{Convert.ToHexStringLower(bytes[2..18])}-{Convert.ToHexStringLower(bytes[19..27])}-{Convert.ToHexStringLower(bytes[28..29])}"
            : null;
    }
}
