using System.Globalization;
using System.Text;

namespace Sidecar.Redis;

/// <summary>A reply. It owns its data: nothing in it is reused by the client.</summary>
public readonly struct RedisReply
{
    private readonly object? _data;
    private readonly long _bits;

    internal RedisReply(RedisReplyKind kind, byte[] bytes)
    {
        Kind = kind;
        _data = bytes;
    }

    internal RedisReply(RedisReplyKind kind, RedisReply[] items)
    {
        Kind = kind;
        _data = items;
    }

    internal RedisReply(RedisReplyKind kind, long bits)
    {
        Kind = kind;
        _bits = bits;
    }

    /// <summary>Its type.</summary>
    public RedisReplyKind Kind { get; }

    /// <summary>Null, as of a missing key.</summary>
    public bool IsNull => Kind == RedisReplyKind.Null;

    /// <summary>An error; only in the results of a pipeline or a transaction, a single command throws it.</summary>
    public bool IsError => Kind == RedisReplyKind.Error;

    /// <summary>Items of an array, map (key, value, key, value…), set or push; none for null.</summary>
    public IReadOnlyList<RedisReply> Items => ItemArray;

    /// <summary>Item of an aggregate.</summary>
    public RedisReply this[int index] => ItemArray[index];

    internal RedisReply[] ItemArray => _data as RedisReply[] ?? (IsNull ? [] : throw Unexpected("an aggregate"));

    /// <summary>Bytes of a string, error, verbatim string or big number; empty for null. Numbers give their text.</summary>
    public ReadOnlyMemory<byte> AsBytes() => _data as byte[] ?? (IsNull ? default : Encoding.UTF8.GetBytes(AsString()!));

    /// <summary>Text of a scalar, null for null.</summary>
    public string? AsString() => _data switch
    {
        byte[] bytes => Encoding.UTF8.GetString(bytes),
        null => Kind switch
        {
            RedisReplyKind.Null => null,
            RedisReplyKind.Integer => _bits.ToString(CultureInfo.InvariantCulture),
            RedisReplyKind.Double => AsDouble().ToString("R", CultureInfo.InvariantCulture),
            _ => _bits != 0 ? "true" : "false",
        },
        _ => throw Unexpected("a scalar"),
    };

    /// <summary>Value of an integer, a boolean (0, 1) or a string that holds an integer.</summary>
    public long AsInt64() => _data switch
    {
        null when Kind is RedisReplyKind.Integer or RedisReplyKind.Boolean => _bits,
        byte[] bytes when long.TryParse(bytes, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        _ => throw Unexpected("an integer"),
    };

    /// <summary>Value of a double, an integer or a string that holds one.</summary>
    public double AsDouble() => _data switch
    {
        null when Kind == RedisReplyKind.Double => BitConverter.Int64BitsToDouble(_bits),
        null when Kind == RedisReplyKind.Integer => _bits,
        byte[] bytes when double.TryParse(bytes, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => throw Unexpected("a number"),
    };

    /// <summary>Value of a boolean, or whether an integer is not 0.</summary>
    public bool AsBoolean() => AsInt64() != 0;

    /// <summary>The error as an exception.</summary>
    public RedisServerException ToException() => ToException(null);

    internal RedisServerException ToException(RedisOptions? server)
    {
        var message = AsString() ?? "";
        var from = server?.ToString() ?? "this server";
        return new RedisServerException(
            message,
            message.StartsWith("READONLY", StringComparison.Ordinal) ? $"{from} is a replica that takes no writes; give redisHost the address of its primary"
            : message.StartsWith("MOVED", StringComparison.Ordinal) ? $"{from} is a node of a Redis Cluster, whose redirections this client does not follow"
            : null);
    }

    /// <summary>Type and size for messages; the value may be secret.</summary>
    public override string ToString() => _data switch
    {
        byte[] bytes when Kind is RedisReplyKind.Error or RedisReplyKind.SimpleString => Encoding.UTF8.GetString(bytes),
        byte[] bytes => $"{Kind} of {bytes.Length} bytes",
        RedisReply[] items => $"{Kind} of {items.Length} items",
        _ => Kind.ToString(),
    };

    private InvalidOperationException Unexpected(string wanted) => new($"the reply is {this}, not {wanted}");
}
