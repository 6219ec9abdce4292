using System.Buffers.Binary;

namespace Imaging.Jpeg;

/// <summary>Walks over marker segments (T.81 B.1.1). Entropy-coded data is left to <see cref="JpegBitReader"/>.</summary>
internal ref struct JpegSegmentReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;

    /// <summary>Where the next marker is looked for; behind a start of scan it is the first entropy-coded byte.</summary>
    public int Position { get; set; } = 2;

    /// <summary>
    /// Reads the next marker and its payload. Bytes between segments are skipped, as every decoder does. False at the end of the
    /// picture, marked or not.
    /// </summary>
    public bool TryRead(out byte marker, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        marker = 0;
        do
        {
            int offset = _data[Position..].IndexOf((byte)0xFF);
            if (offset < 0)
            {
                return false;
            }

            Position += offset;
            int next = _data[Position..].IndexOfAnyExcept((byte)0xFF);
            if (next < 0)
            {
                return false;
            }

            marker = _data[Position + next];
            Position += next + 1;
        }
        while (marker == 0 || (JpegMarker.IsStandalone(marker) && marker != JpegMarker.EndOfImage));

        if (marker == JpegMarker.EndOfImage)
        {
            return false;
        }

        var rest = _data[Position..];
        if (rest.Length < 2 || BinaryPrimitives.ReadUInt16BigEndian(rest) is var length && (length < 2 || length > rest.Length))
        {
            throw new ImageFormatException("The JPEG file is cut off inside its headers.");
        }

        payload = rest[2..length];
        Position += length;
        return true;
    }
}
