using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Imaging.Jpeg;

/// <summary>
/// Bits of entropy-coded data, most significant first, without stuffed zeros. At a marker or the end it supplies zeros and
/// remembers how many, so that inner loops need no check; <see cref="ThrowIfOverrun"/> once per block finds a stream that ended early.
/// </summary>
internal ref struct JpegBitReader(ReadOnlySpan<byte> data, int position)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private ulong _bits;
    private int _count;
    private int _padding;

    /// <summary>Next byte to load; after <see cref="Restart"/> or at the end of a scan it stands at the marker.</summary>
    public int Position { get; private set; } = position;

    /// <summary>The bits that are loaded and how many they are, for a loop that keeps them in registers.</summary>
    public (ulong Bits, int Count) Bits
    {
        readonly get => (_bits, _count);
        set => (_bits, _count) = value;
    }

    /// <summary>Makes at least 32 bits available to such a loop.</summary>
    public (ulong Bits, int Count) Reload(ulong bits, int count)
    {
        (_bits, _count) = (bits, count);
        Load();
        return (_bits, _count);
    }

    /// <summary>Makes at least 32 bits available.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill()
    {
        if (_count < 32)
        {
            Load();
        }
    }

    /// <summary>The next bits without taking them; <paramref name="count"/> is 1 to 16 after <see cref="Fill"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int Peek(int count) => (int)(_bits >> (_count - count)) & ((1 << count) - 1);

    /// <summary>Drops bits seen with <see cref="Peek"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Skip(int count) => _count -= count;

    /// <summary>Takes 1 to 16 bits that <see cref="Fill"/> has made available.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Take(int count)
    {
        int value = Peek(count);
        _count -= count;
        return value;
    }

    /// <summary>Takes one bit, whatever is available.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TakeBit()
    {
        if (_count == 0)
        {
            Load();
        }

        _count--;
        return ((_bits >> _count) & 1) != 0;
    }

    /// <summary>Takes a value in the form of T.81 F.2.2.1 (RECEIVE and EXTEND); 0 bits give 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int TakeSigned(int count) => count == 0 ? 0 : Extend(Take(count), count);

    /// <summary>The value that 1 to 15 bits stand for (T.81 F.2.2.1, EXTEND).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Extend(int value, int count) => value < 1 << (count - 1) ? value - (1 << count) + 1 : value;

    /// <summary>More bits were taken than the stream has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void ThrowIfOverrun()
    {
        if (_count < _padding)
        {
            ThrowOverrun();
        }
    }

    /// <summary>Drops what is left of the interval, expects the given restart marker and goes on behind it.</summary>
    public void Restart(int index)
    {
        int offset = _data[Position..].IndexOf((byte)0xFF);
        int at = offset < 0 ? _data.Length : Position + offset;
        while (at + 1 < _data.Length && _data[at + 1] == 0xFF)
        {
            at++;
        }

        if (at + 1 >= _data.Length || _data[at + 1] != JpegMarker.Restart0 + (index & 7))
        {
            throw new ImageFormatException("A restart marker of the JPEG file is missing.");
        }

        Position = at + 2;
        _bits = 0;
        _count = 0;
        _padding = 0;
    }

    private void Load()
    {
        if (Position + 4 <= _data.Length)
        {
            uint word = BinaryPrimitives.ReadUInt32BigEndian(_data[Position..]);
            // No byte is 0xFF: no byte of the complement is zero.
            uint complement = ~word;
            if (((complement - 0x01010101u) & word & 0x80808080u) == 0)
            {
                _bits = (_bits << 32) | word;
                _count += 32;
                Position += 4;
                return;
            }
        }

        LoadBytes();
    }

    private void LoadBytes()
    {
        while (_count < 32)
        {
            byte value = 0;
            if (Position < _data.Length && _data[Position] != 0xFF)
            {
                value = _data[Position++];
            }
            else if (Position + 1 < _data.Length && _data[Position + 1] == 0)
            {
                value = 0xFF;
                Position += 2;
            }
            else
            {
                _padding += 8;
            }

            _bits = (_bits << 8) | value;
            _count += 8;
        }
    }

    private static void ThrowOverrun() => throw new ImageFormatException("The JPEG file is cut off or damaged.");
}
