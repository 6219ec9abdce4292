using System.Buffers.Binary;

namespace Imaging.Jpeg;

/// <summary>Quantization and Huffman tables and the restart interval; any segment may replace them for the scans that follow.</summary>
internal sealed class JpegTables
{
    /// <summary>Several per scan and more scans than any encoder makes; a file full of tables would take memory and time for nothing.</summary>
    private const int MaxTables = 1000;

    private readonly ushort[]?[] _quantization = new ushort[]?[4];
    private readonly HuffmanTable?[] _dc = new HuffmanTable?[4];
    private readonly HuffmanTable?[] _ac = new HuffmanTable?[4];
    private int _defined;

    /// <summary>Natural position (row by row) of the coefficient at a zigzag position (T.81 figure 5).</summary>
    public static ReadOnlySpan<byte> ZigZag =>
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
        12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    /// <summary>Units between restart markers; 0 means none.</summary>
    public int RestartInterval { get; private set; }

    public HuffmanTable Dc(int index) => _dc[index] ?? throw Missing("Huffman");

    public HuffmanTable Ac(int index) => _ac[index] ?? throw Missing("Huffman");

    public ReadOnlySpan<ushort> Quantization(int index) => _quantization[index] ?? throw Missing("quantization");

    /// <summary>DQT, T.81 B.2.4.1.</summary>
    public void DefineQuantization(ReadOnlySpan<byte> payload)
    {
        while (!payload.IsEmpty)
        {
            bool wide = payload[0] >> 4 == 1;
            int index = payload[0] & 15;
            int bytes = wide ? 128 : 64;
            if (payload[0] >> 4 > 1 || index > 3 || payload.Length < 1 + bytes)
            {
                throw new ImageFormatException("A quantization table of the JPEG file is damaged.");
            }

            CountTable();
            var table = new ushort[64];
            for (int i = 0; i < 64; i++)
            {
                table[ZigZag[i]] = wide ? BinaryPrimitives.ReadUInt16BigEndian(payload[(1 + (2 * i))..]) : payload[1 + i];
            }

            _quantization[index] = table;
            payload = payload[(1 + bytes)..];
        }
    }

    /// <summary>DHT, T.81 B.2.4.2.</summary>
    public void DefineHuffman(ReadOnlySpan<byte> payload)
    {
        while (!payload.IsEmpty)
        {
            int total = 0;
            for (int i = 1; i <= 16 && i < payload.Length; i++)
            {
                total += payload[i];
            }

            if ((payload[0] & 0xEC) != 0 || total > 256 || payload.Length < 17 + total)
            {
                throw new ImageFormatException("A Huffman table of the JPEG file is damaged.");
            }

            CountTable();
            var tables = (payload[0] & 0x10) == 0 ? _dc : _ac;
            tables[payload[0] & 3] = new HuffmanTable(payload.Slice(1, 16), payload.Slice(17, total));
            payload = payload[(17 + total)..];
        }
    }

    /// <summary>DRI, T.81 B.2.4.4.</summary>
    public void DefineRestartInterval(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < 2)
        {
            throw new ImageFormatException("The JPEG file is damaged: bad restart interval.");
        }

        RestartInterval = BinaryPrimitives.ReadUInt16BigEndian(payload);
    }

    private void CountTable()
    {
        if (++_defined > MaxTables)
        {
            throw new ImageFormatException("The JPEG file has far too many tables.");
        }
    }

    private static ImageFormatException Missing(string kind) => new($"The JPEG file lacks a {kind} table.");
}
