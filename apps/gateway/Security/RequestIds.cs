using System.Diagnostics;

namespace Gateway.Security;

/// <summary>The id under which a request is found in logs and traces; made here, never taken from the client.</summary>
internal static class RequestIds
{
    public static string Of(HttpContext context) => Activity.Current?.TraceId.ToHexString() ?? context.TraceIdentifier;
}
