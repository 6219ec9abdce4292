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

        var acTable = component.AcTable!;
        bool onlyDc = true;
        for (int k = 1; k < 64; k++)
        {
            int symbol = acTable.Decode(ref reader);
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

            k += symbol >> 4;
            if (k > 63)
            {
                throw new ImageFormatException("The JPEG file is damaged: too many coefficients in a block.");
            }

            block[JpegTables.ZigZag[k]] = unchecked((short)reader.TakeSigned(size));
            onlyDc = false;
        }

        reader.ThrowIfOverrun();
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
