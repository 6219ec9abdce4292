using System.Runtime.CompilerServices;

namespace Imaging.Jpeg;

/// <summary>A coefficient as it lies in the stream.</summary>
/// <param name="Value">Its value; 0 for the end of the block.</param>
/// <param name="Run">Zeros before it.</param>
/// <param name="Bits">Bits of its code and its value together; 0 for one that is not known.</param>
internal readonly record struct CodedCoefficient(short Value, byte Run, byte Bits);

/// <summary>A Huffman table of T.81 annex C with a look-up for codes of up to nine bits, and one for codes with the coefficient behind them.</summary>
internal sealed class HuffmanTable
{
    /// <summary>Bits that <see cref="Coefficients"/> looks at.</summary>
    public const int CoefficientBits = 10;

    /// <summary>Entries of <see cref="Coefficients"/>.</summary>
    public const int CoefficientCount = 1 << CoefficientBits;

    /// <summary>Longest code.</summary>
    public const int MaxCodeBits = 16;

    private const int LookupBits = 9;

    /// <summary>Code length in the upper byte, symbol in the lower; 0 for longer codes.</summary>
    private readonly ushort[] _lookup = new ushort[1 << LookupBits];

    /// <summary>First code that is longer than the index says, left-aligned to 16 bits.</summary>
    private readonly int[] _limit = new int[MaxCodeBits + 1];
    private readonly int[] _offset = new int[MaxCodeBits + 1];
    private readonly byte[] _symbols;
    private CodedCoefficient[]? _coefficients;

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

    /// <summary>By the next <see cref="CoefficientBits"/> bits: the coefficient that they begin with (T.81 F.2.2.2), where it is no longer than they are.</summary>
    public ReadOnlySpan<CodedCoefficient> Coefficients => _coefficients ??= FindCoefficients();

    /// <summary>The symbol that <see cref="MaxCodeBits"/> bits begin with, and how many of them are its code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (int Symbol, int Bits) Find(int bits)
    {
        int entry = _lookup[bits >> (MaxCodeBits - LookupBits)];
        return entry != 0 ? (entry & 0xFF, entry >> 8) : FindLong(bits);
    }

    /// <summary>Takes one symbol; afterwards at least 16 bits are still available.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Decode(ref JpegBitReader reader)
    {
        reader.Fill();
        var (symbol, length) = Find(reader.Peek(MaxCodeBits));
        reader.Skip(length);
        return symbol;
    }

    private (int Symbol, int Bits) FindLong(int bits)
    {
        for (int length = LookupBits + 1; length <= MaxCodeBits; length++)
        {
            if (bits < _limit[length])
            {
                return (_symbols[(bits >> (MaxCodeBits - length)) + _offset[length]], length);
            }
        }

        throw new ImageFormatException("The JPEG file is damaged: unknown Huffman code.");
    }

    private CodedCoefficient[] FindCoefficients()
    {
        var coefficients = new CodedCoefficient[CoefficientCount];
        for (int bits = 0; bits < CoefficientCount; bits++)
        {
            int entry = _lookup[bits >> (CoefficientBits - LookupBits)];
            int size = entry & 15, run = (entry >> 4) & 15, length = (entry >> 8) + size;
            if (entry == 0 || length > CoefficientBits || (size == 0 && run == 15))
            {
                continue;
            }

            int value = size == 0 ? 0 : JpegBitReader.Extend((bits >> (CoefficientBits - length)) & ((1 << size) - 1), size);
            coefficients[bits] = new CodedCoefficient((short)value, (byte)run, (byte)length);
        }

        return coefficients;
    }
}
