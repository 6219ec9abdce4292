using System.Security.Cryptography;

namespace Ai.Local.Vision;

/// <summary>
/// Embedded files of this folder. Each ends with the SHA-256 of what comes before, so that a file spoiled by a checkout or a tool
/// is noticed instead of giving wrong answers.
/// </summary>
internal static class SealedResource
{
    /// <summary>Reads a file that was embedded under its own name.</summary>
    /// <exception cref="InvalidDataException">It is missing or damaged.</exception>
    public static byte[] Read(string name)
    {
        using var stream = typeof(SealedResource).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidDataException($"The resource '{name}' is missing.");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    /// <summary>The content without the checksum.</summary>
    /// <exception cref="InvalidDataException">The checksum is wrong.</exception>
    public static ReadOnlySpan<byte> Open(ReadOnlySpan<byte> file)
    {
        if (file.Length < SHA256.HashSizeInBytes)
        {
            throw new InvalidDataException("The file is too short to hold a checksum.");
        }

        var content = file[..^SHA256.HashSizeInBytes];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        if (!hash.SequenceEqual(file[^SHA256.HashSizeInBytes..]))
        {
            throw new InvalidDataException("The checksum of the file is wrong.");
        }

        return content;
    }

    /// <summary>The content with its checksum behind it.</summary>
    public static byte[] Seal(ReadOnlySpan<byte> content) => [.. content, .. SHA256.HashData(content)];
}
