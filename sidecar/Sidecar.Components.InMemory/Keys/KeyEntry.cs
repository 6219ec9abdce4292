using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Components.Keys;

/// <summary>One stored value; immutable, a write replaces the whole entry.</summary>
/// <param name="Key">Key within its table.</param>
/// <param name="Value">Bytes; owned by the entry.</param>
/// <param name="Version">Unique per write within the store; its decimal form is the etag.</param>
/// <param name="ExpiresAt">UTC ticks after which the entry is gone; <see cref="Never"/> without a TTL.</param>
internal sealed record KeyEntry(string Key, byte[] Value, long Version, long ExpiresAt)
{
    public const long Never = long.MaxValue;

    public string ETag => Version.ToString(CultureInfo.InvariantCulture);

    public bool IsLive(long now) => ExpiresAt > now;

    public StateItem ToItem() =>
        new(Value, ETag, ExpiresAt == Never ? null : new DateTimeOffset(ExpiresAt, TimeSpan.Zero));

    /// <summary>The moment a TTL given now ends; a TTL that is not positive ends at once.</summary>
    public static long ExpiryOf(TimeSpan? ttl, long now) =>
        ttl is not { } span ? Never : span.Ticks >= Never - now ? Never : now + span.Ticks;
}
