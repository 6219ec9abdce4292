using System.Text.RegularExpressions;

namespace Contracts.Images;

/// <summary>Our own picture addresses. They are resolved to keys of our store and never fetched.</summary>
public static partial class ImageAddress
{
    /// <summary>
    /// The key (<c>scan/…jpg</c>) of an address <c>http(s)://{allowed host}/api/v1/images/{channel}/{file}</c>, or of <c>…/{channel}/{file}</c> at a CDN whose
    /// host is allowed; null for any other address.
    /// </summary>
    public static string? KeyOf(string address, IEnumerable<string> allowedHosts)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri)
            || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps)
            || uri.UserInfo.Length > 0
            || !allowedHosts.Any(host => host.Equals(uri.Host, StringComparison.OrdinalIgnoreCase) || host.Equals(uri.Authority, StringComparison.OrdinalIgnoreCase)))
        {
            return null;
        }

        var match = ImagePath().Match(uri.AbsolutePath);
        return match.Success ? $"{match.Groups[1].Value}/{match.Groups[2].Value}" : null;
    }

    [GeneratedRegex(@"\A(?:/api/v1/images)?/(scan|chat|my)/([0-9a-f]{32}\.[a-z0-9]{1,8})\z")]
    private static partial Regex ImagePath();
}
