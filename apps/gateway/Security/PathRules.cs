using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Security;

/// <summary>
/// Refuses paths that could be read in two ways. The sidecar decodes a path once more and resolves <c>..</c>, so an encoded
/// separator could lead behind the route that was matched here.
/// </summary>
internal static class PathRules
{
    private static readonly SearchValues<string> Ambiguous =
        SearchValues.Create(["%2f", "%5c", "%2e", "%25", "%00", "\\", "//"], StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the path means the same to everyone.</summary>
    public static bool IsPlain(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var end = target.IndexOf('?');
        var raw = end < 0 ? target.AsSpan() : target.AsSpan(0, end);
        if (raw.IsEmpty)
        {
            // A test host has no request line; the parsed path is all there is.
            raw = context.Request.Path.Value;
        }

        if (raw.ContainsAny(Ambiguous))
        {
            return false;
        }

        foreach (var segment in raw.Split('/'))
        {
            if (raw[segment] is "." or "..")
            {
                return false;
            }
        }

        return true;
    }
}
