using System.Collections.Frozen;
using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Gateway.Forwarding;

/// <summary>Which headers pass the gateway. What a client says about who it is or where it comes from never does.</summary>
internal static class ForwardedHeaders
{
    public const string RequestId = "X-Request-ID";

    /// <summary>Carries a refresh token where there are no cookies.</summary>
    private const string RefreshToken = "X-Refresh-Token";

    /// <summary>RFC 9110 §7.6.1, and what the transport sets itself.</summary>
    private static readonly FrozenSet<string> HopByHop = new[]
    {
        HeaderNames.Connection, HeaderNames.KeepAlive, HeaderNames.ProxyAuthenticate, HeaderNames.ProxyAuthorization, HeaderNames.ProxyConnection,
        HeaderNames.TE, HeaderNames.Trailer, HeaderNames.TransferEncoding, HeaderNames.Upgrade, "HTTP2-Settings",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Set by the gateway alone, or of no use behind it: the trace headers come from the current activity, credentials go only to apps that verify them, and
    /// origins are judged here; the embedded sidecar takes a foreign one for a page that has found its port.
    /// </summary>
    private static readonly FrozenSet<string> Replaced = new[]
    {
        HeaderNames.Host, HeaderNames.Origin, HeaderNames.Cookie, HeaderNames.Authorization, HeaderNames.Expect, HeaderNames.TraceParent, HeaderNames.TraceState,
        "Forwarded", "X-Real-IP", "X-Original-URL", "X-Rewrite-URL", UserIdentity.ProviderHeader, "X-Provider", RefreshToken, RequestId, "grpc-trace-bin", Canary.Header, "X-Content-Length",
        ApiKeys.ApiKeyMiddleware.Header,
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly string[] ReplacedPrefixes = ["dapr-", "X-Forwarded-", "X-User-", "X-Envoy-", "X-Original-"];

    /// <summary>Copies what may pass from the client's request.</summary>
    public static void CopyRequest(HttpRequest from, HttpRequestMessage to)
    {
        var named = NamedInConnection(from.Headers.Connection);
        foreach (var (name, values) in from.Headers)
        {
            if (Passes(name) && !named.Contains(name) && !to.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                to.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }
    }

    /// <summary>Says who the caller is, to apps that believe it from the gateway alone.</summary>
    public static void AddIdentity(HttpRequestMessage to, Identity identity)
    {
        to.Headers.TryAddWithoutValidation(UserIdentity.Header, identity.UserId);
        to.Headers.TryAddWithoutValidation(UserIdentity.ProviderHeader, identity.Provider);
        to.Headers.TryAddWithoutValidation(UserIdentity.SessionHeader, identity.SessionId);
        to.Headers.TryAddWithoutValidation(UserIdentity.RolesHeader, identity.RolesText);
    }

    /// <summary>Copies what proves who the client is, for auth, which made it.</summary>
    public static void CopyCredentials(HttpRequest from, HttpRequestMessage to)
    {
        foreach (var name in (string[])[HeaderNames.Authorization, HeaderNames.Cookie, RefreshToken])
        {
            if (from.Headers[name] is { Count: > 0 } values)
            {
                to.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }
    }

    /// <summary>Copies what may pass from the app's response.</summary>
    public static void CopyResponse(HttpResponseMessage from, HttpResponse to)
    {
        Copy(from.Headers.NonValidated, to);
        Copy(from.Content.Headers.NonValidated, to);
    }

    /// <summary>Whether a client's header may pass. <c>_</c> counts as <c>-</c>: some servers behind take them for the same.</summary>
    public static bool Passes(string name)
    {
        if (name.StartsWith(':'))
        {
            return false;
        }

        var normal = name.Contains('_') ? name.Replace('_', '-') : name;
        return !HopByHop.Contains(normal)
            && !Replaced.Contains(normal)
            && !ReplacedPrefixes.Any(prefix => normal.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
    }

    private static void Copy(HttpHeadersNonValidated headers, HttpResponse to)
    {
        foreach (var (name, values) in headers)
        {
            if (!HopByHop.Contains(name) && !name.StartsWith("dapr-", StringComparison.OrdinalIgnoreCase)
                && !name.Equals(HeaderNames.TraceParent, StringComparison.OrdinalIgnoreCase)
                && !name.Equals(HeaderNames.TraceState, StringComparison.OrdinalIgnoreCase))
            {
                to.Headers[name] = new StringValues([.. values]);
            }
        }
    }

    private static HashSet<string> NamedInConnection(StringValues connection)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var value in connection)
        {
            names.UnionWith((value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        }

        return names;
    }
}
