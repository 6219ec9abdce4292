using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Imaging.Png;

namespace Imaging;

/// <summary>Writes 24-bit PNG files.</summary>
public static class PngEncoder
{
    private const byte FilterUp = 2;

    /// <summary>Encodes a picture.</summary>
    public static byte[] Encode(Bitmap bitmap, CompressionLevel level = CompressionLevel.Fastest)
    {
        ArgumentNullException.ThrowIfNull(bitmap);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, bitmap.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], bitmap.Height);
        header[8] = 8;
        header[9] = (byte)PngColourType.Rgb;
        header[10..].Clear();

        using var output = new MemoryStream();
        output.Write(PngDecoder.Signature);
        WriteChunk(output, "IHDR", header);
        WriteChunk(output, "IDAT", Compress(bitmap, level));
        WriteChunk(output, "IEND", []);
        return output.ToArray();
    }

    /// <summary>Adds a chunk with its length and checksum.</summary>
    internal static void WriteChunk(Stream output, string type, ReadOnlySpan<byte> payload)
    {
        var chunk = new byte[payload.Length + 12];
        BinaryPrimitives.WriteInt32BigEndian(chunk, payload.Length);
        Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        payload.CopyTo(chunk.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(^4), PngCrc.Compute(chunk.AsSpan(4..^4)));
        output.Write(chunk);
    }

    private static ReadOnlySpan<byte> Compress(Bitmap bitmap, CompressionLevel level)
    {
        var compressed = new MemoryStream();
        using (var deflate = new ZLibStream(compressed, level, leaveOpen: true))
        {
            var filtered = new byte[1 + bitmap.Stride];
            filtered[0] = FilterUp;
            ReadOnlySpan<byte> above = new byte[bitmap.Stride];
            for (int y = 0; y < bitmap.Height; y++)
            {
                ReadOnlySpan<byte> row = bitmap.Row(y);
                for (int i = 0; i < row.Length; i++)
                {
                    filtered[1 + i] = (byte)(row[i] - above[i]);
                }

                deflate.Write(filtered);
                above = row;
            }
        }

        return compressed.GetBuffer().AsSpan(0, (int)compressed.Length);
    }
}
