using System.Numerics;

namespace Imaging.Jpeg;

/// <summary>
/// Decodes one scan of a picture that comes in several, progressive (T.81 G.1.2, G.2) or one channel after the other, into the
/// channels' <see cref="CoefficientStore"/>.
/// </summary>
internal ref struct StoredScan(JpegFrame frame, JpegScan scan, int restartInterval, JpegBitReader reader)
{
    private readonly JpegScan _scan = scan;
    private JpegBitReader _reader = reader;

    /// <summary>Blocks of the band that end here and in the blocks to come (EOBRUN).</summary>
    private int _endOfBandRun;

    /// <summary>Decodes the scan.</summary>
    /// <returns>Where the next marker is.</returns>
    public int Decode(CancellationToken cancellationToken)
    {
        if (_scan.Components.Length == 1)
        {
            DecodeSingle(_scan.Components[0], cancellationToken);
        }
        else
        {
            DecodeInterleaved(cancellationToken);
        }

        return _reader.Position;
    }

    private void DecodeSingle(JpegComponent component, CancellationToken cancellationToken)
    {
        int unit = 0;
        for (int y = 0; y < component.BlockRows; y++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int block = y * component.PaddedBlocksPerRow;
            for (int x = 0; x < component.BlocksPerRow; x++)
            {
                RestartIfDue(unit++);
                DecodeBlock(component, block + x);
            }
        }
    }

    private void DecodeInterleaved(CancellationToken cancellationToken)
    {
        int unit = 0;
        for (int unitY = 0; unitY < frame.UnitRows; unitY++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (int unitX = 0; unitX < frame.UnitsPerRow; unitX++)
            {
                RestartIfDue(unit++);
                foreach (var component in _scan.Components)
                {
                    for (int v = 0; v < component.Vertical; v++)
                    {
                        int row = ((unitY * component.Vertical) + v) * component.PaddedBlocksPerRow;
                        for (int h = 0; h < component.Horizontal; h++)
                        {
                            DecodeBlock(component, row + (unitX * component.Horizontal) + h);
                        }
                    }
                }
            }
        }
    }

    private void RestartIfDue(int unit)
    {
        if (restartInterval == 0 || unit == 0 || unit % restartInterval != 0)
        {
            return;
        }

        _reader.Restart((unit / restartInterval) - 1);
        _endOfBandRun = 0;
        foreach (var component in _scan.Components)
        {
            component.DcPrediction = 0;
        }
    }

    private void DecodeBlock(JpegComponent component, int block)
    {
        var store = component.Coefficients!;
        if (!frame.Progressive)
        {
            DecodeSequential(component, store, block);
        }
        else if (_scan.SpectralStart == 0)
        {
            DecodeDc(component, store, block);
        }
        else if (_scan.ApproximationHigh == 0)
        {
            DecodeAcFirst(component.AcTable!, store, block);
        }
        else
        {
            DecodeAcRefine(component.AcTable!, store, block);
        }

        _reader.ThrowIfOverrun();
    }

    private void DecodeSequential(JpegComponent component, CoefficientStore store, int block)
    {
        Span<short> values = stackalloc short[64];
        SequentialBlock.Decode(ref _reader, component, values);
        for (int k = 0; k < 64; k++)
        {
            int value = values[JpegTables.ZigZag[k]];
            if (value != 0)
            {
                store.Set(block, k, value);
            }
        }
    }

    private void DecodeDc(JpegComponent component, CoefficientStore store, int block)
    {
        if (_scan.ApproximationHigh != 0)
        {
            if (_reader.TakeBit())
            {
                store.RefineDc(block, 1 << _scan.ApproximationLow);
            }

            return;
        }

        int category = component.DcTable!.Decode(ref _reader);
        SequentialBlock.CheckCategory(category);
        component.DcPrediction = unchecked(component.DcPrediction + _reader.TakeSigned(category));
        store.Set(block, 0, component.DcPrediction << _scan.ApproximationLow);
    }

    private void DecodeAcFirst(HuffmanTable table, CoefficientStore store, int block)
    {
        if (_endOfBandRun > 0)
        {
            _endOfBandRun--;
            return;
        }

        for (int k = _scan.SpectralStart; k <= _scan.SpectralEnd; k++)
        {
            int symbol = table.Decode(ref _reader);
            int run = symbol >> 4;
            int size = symbol & 15;
            if (size == 0)
            {
                if (run < 15)
                {
                    _endOfBandRun = (1 << run) - 1 + (run > 0 ? _reader.Take(run) : 0);
                    return;
                }

                k += 15;
                continue;
            }

            k += run;
            if (k > _scan.SpectralEnd)
            {
                throw TooMany();
            }

            store.Set(block, k, _reader.TakeSigned(size) << _scan.ApproximationLow);
        }
    }

    /// <summary>
    /// Every known coefficient that is passed over takes one correction bit; runs count only the ones that are still zero.
    /// </summary>
    private void DecodeAcRefine(HuffmanTable table, CoefficientStore store, int block)
    {
        int bit = 1 << _scan.ApproximationLow;
        int k = _scan.SpectralStart;
        if (_endOfBandRun == 0)
        {
            for (; k <= _scan.SpectralEnd; k++)
            {
                int symbol = table.Decode(ref _reader);
                int run = symbol >> 4;
                int value = 0;
                if ((symbol & 15) == 1)
                {
                    value = _reader.TakeBit() ? bit : -bit;
                }
                else if ((symbol & 15) != 0)
                {
                    throw new ImageFormatException("The JPEG file is damaged: impossible refinement.");
                }
                else if (run < 15)
                {
                    _endOfBandRun = (1 << run) + (run > 0 ? _reader.Take(run) : 0);
                    break;
                }

                k = PassOver(store, block, k, run, bit);
                if (value != 0)
                {
                    if (k > _scan.SpectralEnd)
                    {
                        throw TooMany();
                    }

                    store.Set(block, k, value);
                }
            }
        }

        if (_endOfBandRun > 0)
        {
            RefineRest(store, block, k, bit);
            _endOfBandRun--;
        }
    }

    /// <summary>Goes on to the zero coefficient behind <paramref name="run"/> other zeros, refining what is known on the way.</summary>
    private int PassOver(CoefficientStore store, int block, int k, int run, int bit)
    {
        ulong nonZero = store.NonZero(block);
        for (; k <= _scan.SpectralEnd; k++)
        {
            if ((nonZero >> k & 1) == 0)
            {
                if (run-- == 0)
                {
                    break;
                }
            }
            else if (_reader.TakeBit())
            {
                store.Refine(block, k, bit);
            }
        }

        return k;
    }

    private void RefineRest(CoefficientStore store, int block, int from, int bit)
    {
        if (from > _scan.SpectralEnd)
        {
            return;
        }

        ulong band = (ulong.MaxValue << from) & (ulong.MaxValue >> (63 - _scan.SpectralEnd));
        for (ulong rest = store.NonZero(block) & band; rest != 0; rest &= rest - 1)
        {
            if (_reader.TakeBit())
            {
                store.Refine(block, BitOperations.TrailingZeroCount(rest), bit);
            }
        }
    }

    private static ImageFormatException TooMany() => new("The JPEG file is damaged: too many coefficients in a block.");
}
