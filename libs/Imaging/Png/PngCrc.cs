using System.Buffers.Binary;

namespace Imaging.Png;

/// <summary>CRC-32 of PNG chunks (ISO 3309), four bytes a step. Stands in for System.IO.Hashing.</summary>
internal static class PngCrc
{
    private const uint Polynomial = 0xEDB88320;
    private static readonly uint[][] Tables = CreateTables();

    public static uint Compute(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        uint[] t0 = Tables[0], t1 = Tables[1], t2 = Tables[2], t3 = Tables[3];
        for (; data.Length >= 4; data = data[4..])
        {
            crc ^= BinaryPrimitives.ReadUInt32LittleEndian(data);
            crc = t3[crc & 0xFF] ^ t2[(crc >> 8) & 0xFF] ^ t1[(crc >> 16) & 0xFF] ^ t0[crc >> 24];
        }

        foreach (byte value in data)
        {
            crc = (crc >> 8) ^ t0[(crc ^ value) & 0xFF];
        }

        return ~crc;
    }

    private static uint[][] CreateTables()
    {
        uint[][] tables = [new uint[256], new uint[256], new uint[256], new uint[256]];
        for (uint n = 0; n < 256; n++)
        {
            uint value = n;
            for (int bit = 0; bit < 8; bit++)
            {
                value = (value & 1) != 0 ? (value >> 1) ^ Polynomial : value >> 1;
            }

            tables[0][n] = value;
        }

        for (int table = 1; table < tables.Length; table++)
        {
            for (int n = 0; n < 256; n++)
            {
                uint before = tables[table - 1][n];
                tables[table][n] = (before >> 8) ^ tables[0][before & 0xFF];
            }
        }

        return tables;
    }
}
