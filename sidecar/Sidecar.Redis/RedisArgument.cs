using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;

namespace Sidecar.Redis;

/// <summary>
/// One argument of a command: text (sent as UTF-8), bytes or an integer. Bytes are
/// copied when the command is queued: before the call returns, unless it has to wait for room.
/// </summary>
public readonly struct RedisArgument
{
    /// <summary>Longest header or number: sign, 19 digits.</summary>
    internal const int MaxNumberLength = 20;

    private readonly object? _value;
    private readonly long _bits;

    private RedisArgument(object? value, long bits)
    {
        _value = value;
        _bits = bits;
    }

    /// <summary>Text.</summary>
    public static implicit operator RedisArgument(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new RedisArgument(value, 0);
    }

    /// <summary>Bytes.</summary>
    public static implicit operator RedisArgument(ReadOnlyMemory<byte> value)
    {
        if (!MemoryMarshal.TryGetArray(value, out var segment))
        {
            segment = new ArraySegment<byte>(value.ToArray());
        }

        return new RedisArgument(segment.Array ?? [], ((long)segment.Offset << 32) | (uint)segment.Count);
    }

    /// <summary>Bytes.</summary>
    public static implicit operator RedisArgument(byte[] value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new RedisArgument(value, value.Length);
    }

    /// <summary>An integer, sent as decimal text.</summary>
    public static implicit operator RedisArgument(long value) => new(null, value);

    /// <summary>Length in bytes as sent.</summary>
    internal int Length => _value switch
    {
        string text => Encoding.UTF8.GetByteCount(text),
        null => NumberLength(_bits),
        _ => (int)(uint)_bits,
    };

    /// <summary>Writes the argument, whose <see cref="Length"/> the caller has made room for.</summary>
    internal int WriteTo(Span<byte> destination)
    {
        switch (_value)
        {
            case string text:
                return Encoding.UTF8.GetBytes(text, destination);
            case null:
                Utf8Formatter.TryFormat(_bits, destination, out var written);
                return written;
            default:
                var bytes = ((byte[])_value).AsSpan((int)(_bits >> 32), (int)(uint)_bits);
                bytes.CopyTo(destination);
                return bytes.Length;
        }
    }

    private static int NumberLength(long number)
    {
        Span<byte> digits = stackalloc byte[MaxNumberLength];
        Utf8Formatter.TryFormat(number, digits, out var length);
        return length;
    }
}
