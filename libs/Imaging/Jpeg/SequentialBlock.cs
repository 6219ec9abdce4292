namespace Imaging.Jpeg;

/// <summary>One block of a sequential scan (T.81 F.2.2).</summary>
internal static class SequentialBlock
{
    private const int ZeroRun16 = 0xF0;

    /// <summary>Reads a block into 64 zeros in natural order.</summary>
    /// <returns>True when all coefficients but the first are zero.</returns>
    public static bool Decode(ref JpegBitReader reader, JpegComponent component, scoped Span<short> block)
    {
        int category = component.DcTable!.Decode(ref reader);
        CheckCategory(category);
        component.DcPrediction = unchecked(component.DcPrediction + reader.TakeSigned(category));
        block[0] = unchecked((short)component.DcPrediction);

        bool onlyDc = DecodeAc(ref reader, component.AcTable!, block);
        reader.ThrowIfOverrun();
        return onlyDc;
    }

    /// <summary>All coefficients but the first. Most of the time that a photo takes is spent here, so the bits are kept in registers.</summary>
    private static bool DecodeAc(ref JpegBitReader reader, HuffmanTable table, scoped Span<short> block)
    {
        var coefficients = table.Coefficients;
        var (bits, count) = reader.Bits;
        bool onlyDc = true;
        for (int k = 1; k < 64; k++)
        {
            if (count < 32)
            {
                (bits, count) = reader.Reload(bits, count);
            }

            var known = coefficients[(int)(bits >> (count - HuffmanTable.CoefficientBits)) & (HuffmanTable.CoefficientCount - 1)];
            int run, value;
            if (known.Bits != 0)
            {
                count -= known.Bits;
                if (known.Value == 0)
                {
                    break;
                }

                (run, value) = (known.Run, known.Value);
            }
            else
            {
                var (symbol, length) = table.Find((int)(bits >> (count - HuffmanTable.MaxCodeBits)) & 0xFFFF);
                count -= length;
                int size = symbol & 15;
                if (size == 0)
                {
                    if (symbol != ZeroRun16)
                    {
                        break;
                    }

                    k += 15;
                    continue;
                }

                count -= size;
                value = JpegBitReader.Extend((int)(bits >> count) & ((1 << size) - 1), size);
                run = symbol >> 4;
            }

            k += run;
            if (k > 63)
            {
                throw new ImageFormatException("The JPEG file is damaged: too many coefficients in a block.");
            }

            block[JpegTables.ZigZag[k]] = unchecked((short)value);
            onlyDc = false;
        }

        reader.Bits = (bits, count);
        return onlyDc;
    }

    /// <summary>Differences of more than 15 bits do not exist; the reader relies on it.</summary>
    public static void CheckCategory(int category)
    {
        if (category > 15)
        {
            throw new ImageFormatException("The JPEG file is damaged: impossible DC value.");
        }
    }
}
