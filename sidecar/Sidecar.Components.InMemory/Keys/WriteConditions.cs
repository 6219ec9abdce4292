using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Components.Keys;

/// <summary>The rules of conditional writes. An empty etag means none, as in Dapr's Redis store.</summary>
internal static class WriteConditions
{
    /// <summary>
    /// Throws <see cref="ETagInvalidException"/> when the etag is none that <see cref="KeyEntry.ETag"/> could have given out.
    /// </summary>
    public static void CheckForm(StateWrite write)
    {
        if (!string.IsNullOrEmpty(write.ETag) && !TryParse(write.ETag, out _))
        {
            throw new ETagInvalidException(write.Key);
        }
    }

    /// <summary>Throws <see cref="ETagMismatchException"/> when the condition does not hold for the live entry.</summary>
    public static void Check(StateWrite write, KeyEntry? live)
    {
        if (!string.IsNullOrEmpty(write.ETag))
        {
            if (live is null || !TryParse(write.ETag, out var version) || live.Version != version)
            {
                throw new ETagMismatchException(write.Key);
            }
        }
        else if (write.FirstWrite && live is not null)
        {
            throw new ETagMismatchException(write.Key);
        }
    }

    private static bool TryParse(string etag, out long version) =>
        long.TryParse(etag, NumberStyles.None, CultureInfo.InvariantCulture, out version);
}
