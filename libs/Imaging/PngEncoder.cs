using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Imaging.Png;

namespace Imaging;

/// <summary>Writes 24-bit PNG files.</summary>
public static class PngEncoder
{
    private const byte FilterUp = 2;
    private const int MaxKeyword = 79;

    /// <summary>Encodes a picture.</summary>
    /// <param name="bitmap">The picture.</param>
    /// <param name="level">Time or size.</param>
    /// <param name="texts">What the file says of itself: keywords of 1 to 79 characters with their texts, Latin-1 (tEXt, PNG 3rd edition, 11.3.3.2).</param>
    public static byte[] Encode(
        Bitmap bitmap, CompressionLevel level = CompressionLevel.Fastest, IReadOnlyList<(string Keyword, string Text)>? texts = null)
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
        foreach (var (keyword, text) in texts ?? [])
        {
            WriteChunk(output, "tEXt", TextPayload(keyword, text));
        }

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

    private static byte[] TextPayload(string keyword, string text)
    {
        static bool IsPrintable(char character) => character is >= ' ' and <= '~' or >= '\u00A1' and <= '\u00FF';
        if (keyword.Length is 0 or > MaxKeyword || !keyword.All(IsPrintable) || keyword.Trim() != keyword || !text.All(character => IsPrintable(character) || character == '\n'))
        {
            throw new ArgumentException($"a text of a PNG file has a keyword of 1 to {MaxKeyword} characters, and both are Latin-1", nameof(keyword));
        }

        return Encoding.Latin1.GetBytes($"{keyword}\0{text}");
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
