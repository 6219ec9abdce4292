using System.Buffers.Binary;

namespace Imaging.Png;

/// <summary>Chunk types as the four bytes read big-endian (ISO/IEC 15948, 11.2).</summary>
internal static class PngChunkType
{
    public const uint Header = 0x49484452;
    public const uint Palette = 0x504C5445;
    public const uint ImageData = 0x49444154;
    public const uint End = 0x49454E44;
    public const uint Transparency = 0x74524E53;

    /// <summary>A decoder that does not know the chunk must not go on.</summary>
    public static bool IsCritical(uint type) => (type & 0x20000000) == 0;
}

/// <summary>Walks over chunks and checks their length and checksum.</summary>
internal ref struct PngChunkReader(ReadOnlySpan<byte> data)
{
    private const int Overhead = 12;
    private readonly ReadOnlySpan<byte> _data = data;
    private int _position = PngDecoder.Signature.Length;

    /// <summary>The bytes of a chunk.</summary>
    public readonly ReadOnlySpan<byte> Payload(Range payload) => _data[payload];

    /// <summary>Reads the next chunk; <paramref name="payload"/> is its place in the file. False at the end chunk.</summary>
    public bool TryRead(out uint type, out Range payload)
    {
        var rest = _data[_position..];
        if (rest.Length < Overhead)
        {
            throw new ImageFormatException("The PNG file is cut off.");
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        type = BinaryPrimitives.ReadUInt32BigEndian(rest[4..]);
        if (length > rest.Length - Overhead)
        {
            throw new ImageFormatException("The PNG file is cut off.");
        }

        int size = (int)length;
        if (PngCrc.Compute(rest.Slice(4, size + 4)) != BinaryPrimitives.ReadUInt32BigEndian(rest[(size + 8)..]))
        {
            throw new ImageFormatException("The PNG file is damaged: a checksum is wrong.");
        }

        payload = (_position + 8)..(_position + 8 + size);
        _position += size + Overhead;
        return type != PngChunkType.End;
    }
}
