namespace Gateway.ExtAuthz;

/// <summary>A check request as the client's request: Envoy keeps method, host and the headers that it was told to, and may prefix the path.</summary>
internal static class CheckRequest
{
    /// <summary>False when it is none.</summary>
    public static bool TryRestore(HttpContext context, string pathPrefix, IServiceProvider gateway)
    {
        var request = context.Request;
        // Problems are written, and found in traces, as the gateway's own are.
        context.RequestServices = gateway;
        if (pathPrefix.Length > 0)
        {
            if (!request.Path.StartsWithSegments(pathPrefix, StringComparison.Ordinal, out var path))
            {
                return false;
            }

            request.Path = path.HasValue ? path : "/";
        }

        // Envoy ends TLS; only it gets here, and it overwrites what a client says.
        if (request.Headers["X-Forwarded-Proto"] is ["http" or "https"] protocol)
        {
            request.Scheme = protocol[0]!;
        }

        return true;
    }
}
