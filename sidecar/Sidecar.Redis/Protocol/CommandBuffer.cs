using System.Buffers.Text;

namespace Sidecar.Redis.Protocol;

/// <summary>Commands as they go to the socket: <c>*2 CRLF $3 CRLF GET CRLF $1 CRLF a CRLF</c>.</summary>
internal sealed class CommandBuffer
{
    /// <summary>A buffer that grew beyond this for large values is let go when it is empty again.</summary>
    private const int Kept = 1 << 20;
    private const int Initial = 16 << 10;

    /// <summary>Marker, number, CRLF before the bytes and CRLF after them.</summary>
    private const int HeaderLength = 1 + RedisArgument.MaxNumberLength + 4;

    private byte[] _bytes = new byte[Initial];

    /// <summary>Bytes in use.</summary>
    public int Length { get; private set; }

    /// <summary>The commands.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    /// <summary>Appends one command.</summary>
    public void Append(in RedisCommand command)
    {
        var arguments = command.Arguments;
        Header((byte)'*', arguments.Length + 1);
        Append((RedisArgument)command.Name);
        foreach (ref readonly var argument in arguments)
        {
            Append(argument);
        }
    }

    /// <summary>Removes a range; what follows moves up.</summary>
    public void Remove(int start, int length)
    {
        _bytes.AsSpan(start + length, Length - start - length).CopyTo(_bytes.AsSpan(start));
        Length -= length;
    }

    /// <summary>Cuts off what was written after a length.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Empties the buffer for the next batch.</summary>
    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > Kept)
        {
            _bytes = new byte[Initial];
        }
    }

    private void Append(in RedisArgument argument)
    {
        var length = argument.Length;
        Header((byte)'$', length, length);
        Length += argument.WriteTo(_bytes.AsSpan(Length, length));
        _bytes[Length++] = (byte)'\r';
        _bytes[Length++] = (byte)'\n';
    }

    private void Header(byte marker, int number, int following = 0)
    {
        Reserve(HeaderLength + following);
        _bytes[Length++] = marker;
        Utf8Formatter.TryFormat(number, _bytes.AsSpan(Length), out var digits);
        Length += digits;
        _bytes[Length++] = (byte)'\r';
        _bytes[Length++] = (byte)'\n';
    }

    private void Reserve(int length)
    {
        var needed = Length + length;
        if (needed > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(needed, Math.Min(_bytes.Length * 2, Array.MaxLength)));
        }
    }
}
