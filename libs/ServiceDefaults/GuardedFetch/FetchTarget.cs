using System.Globalization;
using System.Net;

namespace ServiceDefaults.GuardedFetch;

/// <summary>
/// The address of a request as far as it can be judged before any name is resolved (OWASP SSRF prevention): absolute http or https, no userinfo, a port that
/// is allowed, a host that is written as what it is and that may be asked.
/// </summary>
internal static class FetchTarget
{
    private const int MaxLength = 2048;

    /// <summary>Names that only mean something inside of a network. A name without a dot is one too.</summary>
    private static readonly string[] InnerNames = ["localhost", "local", "internal", "home.arpa", "metadata.goog", "cluster.local", "svc"];

    /// <summary>Why an address would not be asked, as far as can be told without asking for its name; null when nothing speaks against it.</summary>
    public static FetchFailure? Refusal(string url, GuardedTargetOptions options) => Check(url, options, out _, out var host)
        ?? (IPAddress.TryParse(host, out var address) && !GuardedConnections.IsAllowed(host, address, options) ? FetchFailure.HostForbidden() : null);

    /// <summary>The address, or why it is not asked.</summary>
    public static FetchFailure? Check(string url, GuardedTargetOptions options, out Uri target, out string host)
    {
        host = "";
        target = null!;
        if (url.Length > MaxLength || url.Any(character => character <= ' ' || character == '\\' || char.IsControl(character))
            || !Uri.TryCreate(url, UriKind.Absolute, out var uri))
        {
            return FetchFailure.UrlInvalid("not an absolute URL of at most 2048 characters");
        }

        if (uri.Scheme != Uri.UriSchemeHttps && !(options.AllowHttp && uri.Scheme == Uri.UriSchemeHttp))
        {
            return FetchFailure.UrlInvalid($"only https{(options.AllowHttp ? " and http" : "")}");
        }

        // The parser forgives slashes that are missing or too many; the two checks below must see the same host as it does.
        var authority = url.StartsWith($"{uri.Scheme}://", StringComparison.OrdinalIgnoreCase) ? Authority(url) : "";
        if (authority.Length == 0)
        {
            return FetchFailure.UrlInvalid("no host after the two slashes");
        }

        if (authority.Contains('@', StringComparison.Ordinal) || uri.UserInfo.Length > 0)
        {
            return FetchFailure.UrlInvalid("no user and password in it");
        }

        target = uri;
        host = uri.IdnHost.ToLowerInvariant();
        var ports = options.Ports is { Count: > 0 } allowed ? allowed : options.AllowHttp ? [443, 80] : [443];
        // A developer's own servers are wherever there was a free port.
        if (!ports.Contains(uri.Port) && !IsNamed(host, options.LoopbackHosts))
        {
            return FetchFailure.UrlInvalid($"only port {string.Join(", ", ports)}");
        }

        return uri.HostNameType switch
        {
            // The parser takes 2130706433, 0x7f.1 and 0177.0.0.1 for addresses too; nobody means well with those.
            UriHostNameType.IPv4 => WithoutPort(authority) == uri.Host ? Allowed(host, options) : FetchFailure.UrlInvalid("an address is four decimal numbers"),
            UriHostNameType.IPv6 => Allowed(host, options),
            _ => CheckName(ref host) ?? Allowed(host, options),
        };
    }

    /// <summary>Whether the configuration names the host.</summary>
    public static bool IsNamed(string host, IList<string> entries) => entries.Any(entry =>
        entry.Equals(host, StringComparison.OrdinalIgnoreCase)
        || (entry.StartsWith("*.", StringComparison.Ordinal) && host.EndsWith(entry[1..], StringComparison.OrdinalIgnoreCase)));

    private static FetchFailure? CheckName(ref string host)
    {
        host = host.EndsWith('.') ? host[..^1] : host;
        var labels = host.Split('.');
        // By now an international name is in its ASCII form; what is not was no name.
        if (labels.Any(label => label.Length is 0 or > 63 || !label.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_')) || IsNumber(labels[^1]))
        {
            return FetchFailure.UrlInvalid("the host is no name");
        }

        return null;
    }

    private static FetchFailure? Allowed(string host, GuardedTargetOptions options)
    {
        if (IsNamed(host, options.LoopbackHosts))
        {
            return null;
        }

        var isInner = !IPAddress.TryParse(host, out _)
            && (!host.Contains('.', StringComparison.Ordinal)
                || InnerNames.Any(name => host.EndsWith(name, StringComparison.Ordinal) && (host.Length == name.Length || host[^(name.Length + 1)] == '.')));
        return isInner || (options.AllowedHosts.Count > 0 && !IsNamed(host, options.AllowedHosts)) ? FetchFailure.HostForbidden() : null;
    }

    /// <summary>What WHATWG calls "ends in a number": some resolver takes it for an address.</summary>
    private static bool IsNumber(string label) =>
        label.All(char.IsAsciiDigit)
        || (label.StartsWith("0x", StringComparison.Ordinal) && (label.Length == 2 || ulong.TryParse(label.AsSpan(2), NumberStyles.HexNumber, null, out _)));

    private static string Authority(string url)
    {
        var start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        var end = url.AsSpan(start).IndexOfAny("/?#");
        return end < 0 ? url[start..] : url.Substring(start, end);
    }

    private static string WithoutPort(string authority) => authority.Split(':')[0];
}
