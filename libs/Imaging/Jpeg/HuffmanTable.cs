using System.Runtime.CompilerServices;

namespace Imaging.Jpeg;

/// <summary>A Huffman table of T.81 annex C with a look-up for codes of up to nine bits.</summary>
internal sealed class HuffmanTable
{
    private const int LookupBits = 9;
    private const int MaxCodeBits = 16;

    /// <summary>Code length in the upper byte, symbol in the lower; 0 for longer codes.</summary>
    private readonly ushort[] _lookup = new ushort[1 << LookupBits];

    /// <summary>First code that is longer than the index says, left-aligned to 16 bits.</summary>
    private readonly int[] _limit = new int[MaxCodeBits + 1];
    private readonly int[] _offset = new int[MaxCodeBits + 1];
    private readonly byte[] _symbols;

    /// <param name="counts">Number of codes of 1 to 16 bits.</param>
    /// <param name="symbols">Symbols in the order of their codes.</param>
    /// <exception cref="ImageFormatException">There are more codes than their lengths allow.</exception>
    public HuffmanTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        _symbols = symbols.ToArray();
        int code = 0;
        int index = 0;
        for (int length = 1; length <= MaxCodeBits; length++)
        {
            int count = counts[length - 1];
            _offset[length] = index - code;
            for (int i = 0; i < count && length <= LookupBits; i++)
            {
                int first = (code + i) << (LookupBits - length);
                if (first >= _lookup.Length)
                {
                    break;
                }

                _lookup.AsSpan(first, 1 << (LookupBits - length)).Fill((ushort)((length << 8) | symbols[index + i]));
            }

            code += count;
            index += count;
            if (code > 1 << length)
            {
                throw new ImageFormatException("A Huffman table of the JPEG file is impossible.");
            }

            _limit[length] = code << (MaxCodeBits - length);
            code <<= 1;
        }
    }

    /// <summary>Takes one symbol; afterwards at least 16 bits are still available.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Decode(ref JpegBitReader reader)
    {
        reader.Fill();
        int entry = _lookup[reader.Peek(LookupBits)];
        if (entry != 0)
        {
            reader.Skip(entry >> 8);
            return entry & 0xFF;
        }

        return DecodeLong(ref reader);
    }

    private int DecodeLong(ref JpegBitReader reader)
    {
        int bits = reader.Peek(MaxCodeBits);
        for (int length = LookupBits + 1; length <= MaxCodeBits; length++)
        {
            if (bits < _limit[length])
            {
                reader.Skip(length);
                return _symbols[(bits >> (MaxCodeBits - length)) + _offset[length]];
            }
        }

        throw new ImageFormatException("The JPEG file is damaged: unknown Huffman code.");
    }
}
