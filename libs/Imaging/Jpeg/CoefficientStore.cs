using System.Runtime.CompilerServices;

namespace Imaging.Jpeg;

/// <summary>
/// Coefficients of one channel between the scans of a picture that comes in several. Of every block only the frequencies that
/// the reduced result needs are kept, and one bit per coefficient for "not zero", which refining scans ask for. At 1/8 size that
/// is 10 bytes per block instead of 128.
/// </summary>
internal sealed class CoefficientStore
{
    private const sbyte Dropped = -1;
    private readonly int _width;
    private readonly int _height;
    private readonly sbyte[] _slots = new sbyte[64];
    private readonly short[] _values;
    private readonly ulong[] _nonZero;

    public CoefficientStore(JpegComponent component)
    {
        _width = component.BlockWidth;
        _height = component.BlockHeight;
        for (int k = 0; k < 64; k++)
        {
            int natural = JpegTables.ZigZag[k];
            int u = natural & 7;
            int v = natural >> 3;
            _slots[k] = u < _width && v < _height ? (sbyte)((v * _width) + u) : Dropped;
        }

        _values = new short[component.PaddedBlocks * _width * _height];
        _nonZero = new ulong[component.PaddedBlocks];
    }

    /// <summary>Bytes that an instance will hold.</summary>
    public static long BytesFor(JpegComponent component) =>
        component.PaddedBlocks * ((component.BlockWidth * component.BlockHeight * sizeof(short)) + sizeof(ulong));

    /// <summary>One bit per zigzag position: the coefficient is known not to be zero.</summary>
    public ref ulong NonZero(int block) => ref _nonZero[block];

    /// <summary>Sets a coefficient for the first time. Values that do not fit are damage and wrap round harmlessly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Set(int block, int zigZag, int value)
    {
        _nonZero[block] |= 1UL << zigZag;
        int slot = _slots[zigZag];
        if (slot >= 0)
        {
            _values[(block * _width * _height) + slot] = unchecked((short)value);
        }
    }

    /// <summary>Adds one bit of precision to the DC value.</summary>
    public void RefineDc(int block, int bit) => _values[block * _width * _height] |= (short)bit;

    /// <summary>Moves a known coefficient away from zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Refine(int block, int zigZag, int bit)
    {
        int slot = _slots[zigZag];
        if (slot >= 0)
        {
            ref short value = ref _values[(block * _width * _height) + slot];
            if ((value & bit) == 0)
            {
                value = unchecked((short)(value < 0 ? value - bit : value + bit));
            }
        }
    }

    /// <summary>Writes the block in natural order; what was dropped stays as it is in <paramref name="target"/>.</summary>
    public void CopyTo(int block, Span<short> target)
    {
        var source = _values.AsSpan(block * _width * _height, _width * _height);
        for (int v = 0; v < _height; v++)
        {
            source.Slice(v * _width, _width).CopyTo(target[(v * 8)..]);
        }
    }
}
