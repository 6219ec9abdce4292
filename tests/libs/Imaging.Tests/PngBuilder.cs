using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Imaging.Tests;

/// <summary>Writes PNG files of every kind from samples, by the letter of the standard and without the product's code.</summary>
internal sealed class PngBuilder(int width, int height, int depth, int colourType)
{
    private readonly List<(string Type, byte[] Payload)> _before = [];

    /// <summary>Samples per pixel.</summary>
    public int Channels => colourType switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };

    /// <summary>Value of a channel of a pixel.</summary>
    public required Func<int, int, int, int> Sample { get; init; }

    public bool Interlaced { get; init; }

    /// <summary>Filter of a row, 0 to 4.</summary>
    public Func<int, int> Filter { get; init; } = y => y % 5;

    /// <summary>Pixel data is cut into chunks of so many bytes.</summary>
    public int ChunkBytes { get; init; } = 1000;

    /// <summary>Adds a chunk before the pixel data.</summary>
    public PngBuilder With(string type, params byte[] payload)
    {
        _before.Add((type, payload));
        return this;
    }

    public byte[] Build()
    {
        var output = new MemoryStream();
        output.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = ((byte)depth, (byte)colourType, (byte)(Interlaced ? 1 : 0));
        WriteChunk(output, "IHDR", header);
        _before.ForEach(chunk => WriteChunk(output, chunk.Type, chunk.Payload));
        foreach (var part in Compress(FilteredRows()).Chunk(ChunkBytes))
        {
            WriteChunk(output, "IDAT", part);
        }

        WriteChunk(output, "IEND", []);
        return output.ToArray();
    }

    /// <summary>Adds a chunk; the checksum is right.</summary>
    public static void WriteChunk(Stream output, string type, byte[] payload)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, payload.Length);
        output.Write(number);
        byte[] body = [.. Encoding.Latin1.GetBytes(type), .. payload];
        output.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body));
        output.Write(number);
    }

    public static byte[] Compress(byte[] data)
    {
        var output = new MemoryStream();
        using (var deflate = new ZLibStream(output, CompressionLevel.Fastest))
        {
            deflate.Write(data);
        }

        return output.ToArray();
    }

    private static uint Crc(byte[] data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }

        return ~crc;
    }

    private byte[] FilteredRows()
    {
        (int X, int Y, int StepX, int StepY)[] passes = Interlaced
            ? [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
            : [(0, 0, 1, 1)];
        var result = new List<byte>();
        foreach (var pass in passes)
        {
            int columns = Enumerable.Range(0, width).Count(x => x >= pass.X && (x - pass.X) % pass.StepX == 0);
            var above = new byte[((columns * Channels * depth) + 7) / 8];
            for (int y = pass.Y, row = 0; y < height && columns > 0; y += pass.StepY, row++)
            {
                var current = PackRow(y, pass.X, pass.StepX, above.Length);
                result.Add((byte)Filter(row));
                result.AddRange(FilterRow(Filter(row), current, above));
                above = current;
            }
        }

        return [.. result];
    }

    private byte[] PackRow(int y, int startX, int step, int bytes)
    {
        var row = new byte[bytes];
        int bit = 0;
        for (int x = startX; x < width; x += step)
        {
            for (int c = 0; c < Channels; c++)
            {
                int value = Sample(x, y, c);
                for (int i = depth - 1; i >= 0; i--, bit++)
                {
                    row[bit / 8] |= (byte)(((value >> i) & 1) << (7 - (bit % 8)));
                }
            }
        }

        return row;
    }

    private byte[] FilterRow(int filter, byte[] row, byte[] above)
    {
        int distance = Math.Max(1, Channels * depth / 8);
        var filtered = new byte[row.Length];
        for (int i = 0; i < row.Length; i++)
        {
            int a = i < distance ? 0 : row[i - distance];
            int b = above[i];
            int c = i < distance ? 0 : above[i - distance];
            int p = a + b - c;
            int paeth = Math.Abs(p - a) <= Math.Abs(p - b) && Math.Abs(p - a) <= Math.Abs(p - c) ? a
                : Math.Abs(p - b) <= Math.Abs(p - c) ? b : c;
            filtered[i] = (byte)(row[i] - filter switch { 1 => a, 2 => b, 3 => (a + b) / 2, 4 => paeth, _ => 0 });
        }

        return filtered;
    }
}
