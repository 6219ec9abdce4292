namespace ServiceDefaults.GuardedFetch;

/// <summary>Kinds of pictures by their first bytes.</summary>
internal static class PictureTypes
{
    /// <summary>So many bytes tell all of them apart.</summary>
    public const int Needed = 12;

    /// <summary>The media type; null when it is none of them.</summary>
    public static string? Of(ReadOnlySpan<byte> start) =>
        start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? "image/jpeg"
        : start.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) ? "image/png"
        : start.StartsWith("GIF87a"u8) || start.StartsWith("GIF89a"u8) ? "image/gif"
        : start.Length >= Needed && start.StartsWith("RIFF"u8) && start[8..].StartsWith("WEBP"u8) ? "image/webp"
        : null;
}
