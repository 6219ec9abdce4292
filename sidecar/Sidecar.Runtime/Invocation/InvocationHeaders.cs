namespace Sidecar.Runtime.Invocation;

/// <summary>What the sidecar does to the headers of an invocation (dapr-http §4).</summary>
public static class InvocationHeaders
{
    private static readonly HashSet<string> NotForwarded = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
        "HTTP2-Settings", "Host", "dapr-app-id", "dapr-api-token", "dapr-caller-app-id", "dapr-caller-namespace", "dapr-callee-app-id",
        "destination-app-id", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Expect",
    };

    /// <summary>Whether a header travels on: not those of one connection, and not those that say who is who.</summary>
    public static bool IsForwarded(string name) =>
        !NotForwarded.Contains(name) && !name.EndsWith("-bin", StringComparison.OrdinalIgnoreCase) && name[0] != ':';

    /// <summary>Says who calls whom.</summary>
    public static void AddParties(HttpRequestMessage message, AppInstance caller, string target, string? host)
    {
        message.Headers.TryAddWithoutValidation("dapr-caller-app-id", caller.Instance.AppId);
        message.Headers.TryAddWithoutValidation("dapr-caller-namespace", "default");
        message.Headers.TryAddWithoutValidation("dapr-callee-app-id", target);
        message.Headers.TryAddWithoutValidation("X-Forwarded-For", "127.0.0.1");
        message.Headers.TryAddWithoutValidation("X-Forwarded-Host", host);
        message.Headers.TryAddWithoutValidation("Forwarded", $"for=127.0.0.1;by=127.0.0.1;host={host}");
    }
}
