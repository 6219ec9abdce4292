namespace Ai.Local.Vision.MobileNet;

/// <summary>
/// A square map of channels inside a buffer, with the zeros around it that the next convolution wants to read. With them in place
/// a kernel needs no border cases: the window of output (x, y) begins at padded (x * stride, y * stride).
/// </summary>
internal readonly struct PaddedMap
{
    /// <summary>Rows and columns of zeros of a 3 x 3 convolution, before and behind together, at most.</summary>
    private const int MaxPadding = 2;

    private readonly Memory<float> _buffer;
    private readonly int _before;

    private PaddedMap(Memory<float> buffer, int side, int channels, int before)
    {
        _buffer = buffer;
        Side = side;
        Channels = channels;
        _before = before;
    }

    public int Side { get; }

    public int Channels { get; }

    /// <summary>Floats per padded row.</summary>
    public int Stride => (Side + MaxPadding) * Channels;

    /// <summary>Floats that a map of this size takes.</summary>
    public static int Length(int side, int channels) => (side + MaxPadding) * (side + MaxPadding) * channels;

    /// <summary>Lays a map over a buffer and writes the zeros around it.</summary>
    /// <param name="buffer">At least <see cref="Length"/> long.</param>
    /// <param name="side">Rows and columns.</param>
    /// <param name="channels">Floats per position.</param>
    /// <param name="nextStride">Stride of the convolution that will read the map.</param>
    public static PaddedMap Create(Memory<float> buffer, int side, int channels, int nextStride)
    {
        int before = MobileNetArchitecture.PaddingBefore(side, nextStride);
        var map = new PaddedMap(buffer[..Length(side, channels)], side, channels, before);
        var all = map._buffer.Span;
        all[..(before * map.Stride)].Clear();
        all[((before + side) * map.Stride)..].Clear();
        for (int y = 0; y < side; y++)
        {
            var row = all.Slice((before + y) * map.Stride, map.Stride);
            row[..(before * channels)].Clear();
            row[((before + side) * channels)..].Clear();
        }

        return map;
    }

    /// <summary>The values of a row without padding.</summary>
    public Span<float> Row(int y) => _buffer.Span.Slice(((y + _before) * Stride) + (_before * Channels), Side * Channels);

    /// <summary>Padded rows, counted from the padding on.</summary>
    public ReadOnlySpan<float> PaddedRows(int first, int count) => _buffer.Span.Slice(first * Stride, count * Stride);
}
