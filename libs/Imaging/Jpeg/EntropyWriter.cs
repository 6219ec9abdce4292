using System.Numerics;

namespace Imaging.Jpeg;

/// <summary>Huffman-codes blocks and stuffs zeros (T.81 F.1.2).</summary>
internal sealed class EntropyWriter(Stream output)
{
    private readonly byte[] _buffer = new byte[4096];
    private int _used;
    private ulong _bits;
    private int _count;

    /// <summary>Writes a block given in natural order; <paramref name="lastDc"/> is the prediction and becomes the next one.</summary>
    public void Write(ReadOnlySpan<int> block, ref int lastDc, HuffmanCodes dc, HuffmanCodes ac)
    {
        int difference = block[0] - lastDc;
        lastDc = block[0];
        int size = Size(difference);
        Put(dc, size);
        PutValue(difference, size);

        int run = 0;
        for (int k = 1; k < 64; k++)
        {
            int value = block[JpegTables.ZigZag[k]];
            if (value == 0)
            {
                run++;
                continue;
            }

            for (; run > 15; run -= 16)
            {
                Put(ac, 0xF0);
            }

            size = Size(value);
            Put(ac, (run << 4) | size);
            PutValue(value, size);
            run = 0;
        }

        if (run > 0)
        {
            Put(ac, 0);
        }
    }

    /// <summary>Fills the last byte with ones and writes out what is buffered.</summary>
    public void Finish()
    {
        Put(0x7F, 7);
        output.Write(_buffer, 0, _used);
        _used = 0;
    }

    private static int Size(int value) => 32 - BitOperations.LeadingZeroCount((uint)Math.Abs(value));

    private void Put(HuffmanCodes codes, int symbol) => Put(codes.Code(symbol), codes.Length(symbol));

    private void PutValue(int value, int size) => Put((value < 0 ? value - 1 : value) & ((1 << size) - 1), size);

    private void Put(int bits, int count)
    {
        _bits = (_bits << count) | (uint)bits;
        _count += count;
        while (_count >= 8)
        {
            _count -= 8;
            byte value = (byte)(_bits >> _count);
            if (_used + 2 > _buffer.Length)
            {
                output.Write(_buffer, 0, _used);
                _used = 0;
            }

            _buffer[_used++] = value;
            if (value == 0xFF)
            {
                _buffer[_used++] = 0;
            }
        }
    }
}
