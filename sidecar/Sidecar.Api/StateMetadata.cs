using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Api;

/// <summary>What both doors tell of a stored value besides itself.</summary>
internal static class StateMetadata
{
    public const string Expiry = "ttlExpireTime";

    public static IEnumerable<KeyValuePair<string, string>> Of(StateItem item) => item.ExpiresAt is { } expires
        ? [KeyValuePair.Create(Expiry, expires.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture))]
        : [];
}
