using System.Buffers.Text;
using System.Globalization;

namespace Sidecar.Redis.Protocol;

/// <summary>
/// Incremental RESP3 parser. It takes what is there and keeps its place, so that the cost of a reply does not depend on how the
/// stream was cut; a line that has not ended yet is left to the caller. Memory grows with the bytes received, never with a length
/// that was only announced.
/// </summary>
internal sealed class RespParser
{
    /// <summary>Longest line: a simple string, an error, a number.</summary>
    public const int MaxLine = 32 << 10;

    /// <summary>Longest blob: the server's own limit by default (<c>proto-max-bulk-len</c>).</summary>
    public const int MaxBlob = 512 << 20;

    /// <summary>Most items of one aggregate, keys and values of a map counted each.</summary>
    public const int MaxItems = 1 << 24;

    /// <summary>Deepest nesting.</summary>
    public const int MaxDepth = 32;

    private const int FirstBlob = 1 << 20;
    private const int FirstItems = 1 << 10;

    private static readonly byte[] Ok = "OK"u8.ToArray();
    private static readonly byte[] Queued = "QUEUED"u8.ToArray();
    private static readonly byte[] Pong = "PONG"u8.ToArray();

    private readonly Frame[] _frames = new Frame[MaxDepth];
    private int _depth;

    private RedisReplyKind _blobKind;
    private byte[]? _blob;
    private int _blobLength;
    private int _blobFilled;

    /// <summary>Takes bytes from the input until a top-level reply is whole (true) or the input is used up.</summary>
    /// <exception cref="RespException">The bytes are not RESP3 or exceed a limit.</exception>
    public bool TryRead(ReadOnlySpan<byte> input, ref int consumed, out RedisReply reply)
    {
        while (TryReadValue(input, ref consumed, out var value))
        {
            if (TryFinish(ref value))
            {
                reply = value;
                return true;
            }
        }

        reply = default;
        return false;
    }

    /// <summary>One scalar, or an empty aggregate; opens the frame of any other aggregate and goes on with its first item.</summary>
    private bool TryReadValue(ReadOnlySpan<byte> input, ref int consumed, out RedisReply value)
    {
        while (true)
        {
            if (_blob is not null)
            {
                return TryContinueBlob(input, ref consumed, out value);
            }

            value = default;
            if (!TryReadLine(input[consumed..], out var line, out var lineLength))
            {
                return false;
            }

            switch (line[0])
            {
                case (byte)'$' or (byte)'!' or (byte)'=':
                    var kind = line[0] switch { (byte)'$' => RedisReplyKind.String, (byte)'!' => RedisReplyKind.Error, _ => RedisReplyKind.Verbatim };
                    var length = Length(line, MaxBlob);
                    consumed += lineLength;
                    if (length < 0)
                    {
                        return true;
                    }

                    if (TryReadWholeBlob(input, ref consumed, kind, length, out value))
                    {
                        return true;
                    }

                    _blobKind = kind;
                    _blobLength = length;
                    _blobFilled = 0;
                    _blob = new byte[Math.Min(length, FirstBlob)];
                    continue;

                case (byte)'*' or (byte)'%' or (byte)'~' or (byte)'>' or (byte)'|':
                    consumed += lineLength;
                    if (Open(line, out value))
                    {
                        continue;
                    }

                    return true;

                default:
                    value = Scalar(line);
                    consumed += lineLength;
                    return true;
            }
        }
    }

    /// <summary>A line without its CRLF, its marker first.</summary>
    private static bool TryReadLine(ReadOnlySpan<byte> input, out ReadOnlySpan<byte> line, out int length)
    {
        line = default;
        length = 0;
        if (input.IsEmpty)
        {
            return false;
        }

        if (!"$+-:*%~>_#,(!=|"u8.Contains(input[0]))
        {
            throw new RespException($"a reply does not begin with the byte 0x{input[0]:x2}");
        }

        var end = input.IndexOf((byte)'\r');
        if (end < 0 || end + 1 == input.Length)
        {
            return input.Length <= MaxLine ? false : throw new RespException($"a line is longer than {MaxLine} bytes");
        }

        if (input[end + 1] != (byte)'\n')
        {
            throw new RespException("a carriage return within a line");
        }

        line = input[..end];
        length = end + 2;
        return true;
    }

    private static RedisReply Scalar(ReadOnlySpan<byte> line)
    {
        var rest = line[1..];
        switch (line[0])
        {
            case (byte)'+':
                return new RedisReply(
                    RedisReplyKind.SimpleString, rest.SequenceEqual(Ok) ? Ok : rest.SequenceEqual(Queued) ? Queued : rest.SequenceEqual(Pong) ? Pong : rest.ToArray());
            case (byte)'-':
                return new RedisReply(RedisReplyKind.Error, rest.ToArray());
            case (byte)':':
                return new RedisReply(RedisReplyKind.Integer, Integer(rest));
            case (byte)'_':
                return rest.IsEmpty ? default : throw new RespException("a null with a value");
            case (byte)'#':
                return rest.SequenceEqual("t"u8) || rest.SequenceEqual("f"u8)
                    ? new RedisReply(RedisReplyKind.Boolean, rest[0] == (byte)'t' ? 1 : 0)
                    : throw new RespException("a boolean that is neither t nor f");
            case (byte)',':
                return new RedisReply(RedisReplyKind.Double, BitConverter.DoubleToInt64Bits(Double(rest)));
            default:
                return BigNumber(rest);
        }
    }

    private static long Integer(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out long number, out var used) && used == text.Length ? number : throw new RespException("a number that is none");

    private static double Double(ReadOnlySpan<byte> text)
    {
        if (text.SequenceEqual("inf"u8) || text.SequenceEqual("-inf"u8))
        {
            return text[0] == (byte)'-' ? double.NegativeInfinity : double.PositiveInfinity;
        }

        return text.SequenceEqual("nan"u8) || text.SequenceEqual("-nan"u8) ? double.NaN
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number
            : throw new RespException("a double that is none");
    }

    private static RedisReply BigNumber(ReadOnlySpan<byte> text)
    {
        var digits = text.Length > 0 && text[0] is (byte)'-' or (byte)'+' ? text[1..] : text;
        return !digits.IsEmpty && digits.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0
            ? new RedisReply(RedisReplyKind.BigNumber, text.ToArray())
            : throw new RespException("a big number that is none");
    }

    /// <summary>A length between 0 and a limit, or -1 for RESP2's null; streamed lengths ("?") are not sent by any server so far.</summary>
    private static int Length(ReadOnlySpan<byte> line, int limit)
    {
        var length = Integer(line[1..]);
        return length >= 0 && length <= limit ? (int)length
            : length == -1 && line[0] is (byte)'$' or (byte)'*' ? -1
            : throw new RespException($"a length of {length} where the limit is {limit}");
    }

    private static bool TryReadWholeBlob(ReadOnlySpan<byte> input, ref int consumed, RedisReplyKind kind, int length, out RedisReply value)
    {
        value = default;
        if (input.Length - consumed < length + 2)
        {
            return false;
        }

        EndOfBlob(input[(consumed + length)..]);
        value = Blob(kind, input.Slice(consumed, length).ToArray());
        consumed += length + 2;
        return true;
    }

    /// <summary>Copies what is there of a blob that is larger than the input; its array grows as the bytes come.</summary>
    private bool TryContinueBlob(ReadOnlySpan<byte> input, ref int consumed, out RedisReply value)
    {
        value = default;
        while (_blobFilled < _blobLength)
        {
            if (_blobFilled == _blob!.Length)
            {
                Array.Resize(ref _blob, (int)Math.Min(_blobLength, 2L * _blob.Length));
            }

            var count = Math.Min(input.Length - consumed, _blob.Length - _blobFilled);
            if (count == 0)
            {
                return false;
            }

            input.Slice(consumed, count).CopyTo(_blob.AsSpan(_blobFilled));
            _blobFilled += count;
            consumed += count;
        }

        if (input.Length - consumed < 2)
        {
            return false;
        }

        EndOfBlob(input[consumed..]);
        consumed += 2;
        value = Blob(_blobKind, _blob!);
        _blob = null;
        return true;
    }

    private static void EndOfBlob(ReadOnlySpan<byte> input)
    {
        if (input[0] != (byte)'\r' || input[1] != (byte)'\n')
        {
            throw new RespException("a blob that does not end where it should");
        }
    }

    private static RedisReply Blob(RedisReplyKind kind, byte[] bytes)
    {
        if (kind != RedisReplyKind.Verbatim)
        {
            return new RedisReply(kind, bytes);
        }

        // Three letters and a colon before the text.
        return bytes.Length >= 4 && bytes[3] == (byte)':'
            ? new RedisReply(kind, bytes[4..])
            : throw new RespException("a verbatim string without its format");
    }

    /// <summary>Opens the frame of an aggregate; false with its value when it has no items.</summary>
    private bool Open(ReadOnlySpan<byte> line, out RedisReply value)
    {
        value = default;
        var (kind, perItem) = line[0] switch
        {
            (byte)'*' => (RedisReplyKind.Array, 1),
            (byte)'~' => (RedisReplyKind.Set, 1),
            (byte)'>' => (RedisReplyKind.Push, 1),
            _ => (RedisReplyKind.Map, 2),
        };
        var isAttribute = line[0] == (byte)'|';
        if (kind == RedisReplyKind.Push && _depth > 0)
        {
            throw new RespException("a push within a reply");
        }

        var count = Length(line, MaxItems / perItem) * perItem;
        if (count < 0)
        {
            return false;
        }

        if (count == 0 && !isAttribute)
        {
            value = new RedisReply(kind, Array.Empty<RedisReply>());
            return false;
        }

        if (count == 0)
        {
            return true;
        }

        if (_depth == MaxDepth)
        {
            throw new RespException($"a reply nested deeper than {MaxDepth}");
        }

        _frames[_depth++] = new Frame(kind, count, isAttribute);
        return true;
    }

    /// <summary>Puts a value where it belongs; true when it (or what it completed) is the whole reply.</summary>
    private bool TryFinish(ref RedisReply value)
    {
        while (_depth > 0)
        {
            ref var frame = ref _frames[_depth - 1];
            if (!frame.Add(value))
            {
                return false;
            }

            var isAttribute = frame.IsAttribute;
            value = new RedisReply(frame.Kind, frame.Items);
            frame = default;
            _depth--;
            if (isAttribute)
            {
                // Attributes are remarks about the value that follows; none is used here.
                return false;
            }
        }

        return true;
    }

    private struct Frame(RedisReplyKind kind, int count, bool isAttribute)
    {
        private int _filled;

        public RedisReply[] Items = new RedisReply[Math.Min(count, FirstItems)];

        public readonly RedisReplyKind Kind => kind;

        public readonly bool IsAttribute => isAttribute;

        /// <summary>True when it was the last item.</summary>
        public bool Add(in RedisReply item)
        {
            if (_filled == Items.Length)
            {
                Array.Resize(ref Items, (int)Math.Min(count, 2L * Items.Length));
            }

            Items[_filled++] = item;
            return _filled == count;
        }
    }
}
