using System.Globalization;
using System.Text;
using Sidecar.Redis.Protocol;

namespace Sidecar.Redis.Tests;

public sealed class RespParserTests
{
    /// <summary>A stream with every type, nested, and blobs larger than a chunk.</summary>
    private static readonly byte[] Stream = Encoding.Latin1.GetBytes(
        "+OK\r\n-ERR no\r\n:-42\r\n$5\r\nhe\r\no\r\n$0\r\n\r\n$-1\r\n*-1\r\n_\r\n#t\r\n#f\r\n,1.5\r\n,-inf\r\n,nan\r\n(12345678901234567890\r\n"
        + "!9\r\nSYNTAX no\r\n=8\r\ntxt:text\r\n*0\r\n%0\r\n~2\r\n+a\r\n:1\r\n%2\r\n$1\r\nk\r\n*2\r\n:1\r\n%1\r\n+x\r\n_\r\n+l\r\n#f\r\n"
        + "|1\r\n+ttl\r\n:3\r\n$1\r\nv\r\n*2\r\n|1\r\n+a\r\n+b\r\n:7\r\n|0\r\n:8\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n\r\n\r\n$300\r\n"
        + new string('z', 300) + "\r\n*3\r\n$3\r\nend\r\n*1\r\n*1\r\n*0\r\n+last\r\n");

    private static readonly string[] Expected =
    [
        "SimpleString:OK", "Error:ERR no", "Integer:-42", "String:he\r\no", "String:", "Null", "Null", "Null", "Boolean:true", "Boolean:false", "Double:1.5",
        "Double:-Infinity", "Double:NaN", "BigNumber:12345678901234567890", "Error:SYNTAX no", "Verbatim:text", "Array[]", "Map[]",
        "Set[SimpleString:a,Integer:1]", "Map[String:k,Array[Integer:1,Map[SimpleString:x,Null]],SimpleString:l,Boolean:false]", "String:v",
        "Array[Integer:7,Integer:8]", "Push[String:message,String:c,String:\r\n]", "String:" + new string('z', 300),
        "Array[String:end,Array[Array[Array[]]],SimpleString:last]",
    ];

    [Fact]
    public void Reads_every_type() => Assert.Equal(Expected, Parse(Stream, _ => int.MaxValue));

    [Fact]
    public void Every_cut_in_two_gives_the_same_replies()
    {
        for (var cut = 0; cut <= Stream.Length; cut++)
        {
            Assert.Equal(Expected, Parse(Stream, position => position < cut ? cut - position : int.MaxValue));
        }
    }

    [Fact]
    public void Random_cuts_give_the_same_replies()
    {
        var random = new Random(20);
        Assert.Equal(Expected, Parse(Stream, _ => 1));
        for (var round = 0; round < 2_000; round++)
        {
            var longest = random.Next(1, 40);
            Assert.Equal(Expected, Parse(Stream, _ => random.Next(1, longest + 1)));
        }
    }

    [Fact]
    public void Changed_bytes_are_an_error_or_other_replies_but_nothing_else()
    {
        var random = new Random(21);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = Stream.ToArray();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                Parse(bytes, _ => random.Next(1, 64));
            }
            catch (RespException)
            {
            }
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    [InlineData("\r\n")]
    [InlineData(":\r\n")]
    [InlineData(":12a\r\n")]
    [InlineData(":99999999999999999999\r\n")]
    [InlineData("$-2\r\n")]
    [InlineData("$536870913\r\n")]
    [InlineData("$9999999999\r\n")]
    [InlineData("*16777217\r\n")]
    [InlineData("%8388609\r\n")]
    [InlineData("%-1\r\n")]
    [InlineData("$?\r\n")]
    [InlineData("$3\r\nabcd\r\n")]
    [InlineData("#x\r\n")]
    [InlineData(",one\r\n")]
    [InlineData("(12x\r\n")]
    [InlineData("_x\r\n")]
    [InlineData("=3\r\ntxt\r\n")]
    [InlineData("+a\rb\r\n")]
    [InlineData("*1\r\n>1\r\n+a\r\n")]
    public void Malformed_input_is_an_error(string text)
    {
        Assert.Throws<RespException>(() => Parse(Encoding.ASCII.GetBytes(text), _ => int.MaxValue));
        Assert.Throws<RespException>(() => Parse(Encoding.ASCII.GetBytes(text), _ => 1));
    }

    [Fact]
    public void Nesting_is_bounded()
    {
        Parse(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("*1\r\n", RespParser.MaxDepth)) + ":1\r\n"), _ => 3);
        var deeper = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("*1\r\n", RespParser.MaxDepth + 1)));
        Assert.Throws<RespException>(() => Parse(deeper, _ => 3));
    }

    [Fact]
    public void A_line_is_bounded() =>
        Assert.Throws<RespException>(() => Parse(Encoding.ASCII.GetBytes("+" + new string('x', RespParser.MaxLine)), _ => int.MaxValue));

    [Fact]
    public void An_announced_length_costs_no_memory_before_its_bytes()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Parse("$536870912\r\nabc"u8.ToArray(), _ => int.MaxValue);
        Parse("*16777216\r\n:1\r\n"u8.ToArray(), _ => int.MaxValue);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
    }

    /// <summary>Feeds the bytes in chunks as a connection does: what was not consumed is there again with the next chunk.</summary>
    private static string[] Parse(byte[] bytes, Func<int, int> chunk)
    {
        var parser = new RespParser();
        var replies = new List<string>();
        var (consumed, end) = (0, 0);
        while (end < bytes.Length)
        {
            end += Math.Min(chunk(end), bytes.Length - end);
            while (parser.TryRead(bytes.AsSpan(0, end), ref consumed, out var reply))
            {
                replies.Add(Show(reply));
            }
        }

        return [.. replies];
    }

    private static string Show(RedisReply reply) => reply.Kind switch
    {
        RedisReplyKind.Null => "Null",
        RedisReplyKind.Array or RedisReplyKind.Map or RedisReplyKind.Set or RedisReplyKind.Push => $"{reply.Kind}[{string.Join(',', reply.Items.Select(Show))}]",
        _ => string.Create(CultureInfo.InvariantCulture, $"{reply.Kind}:{reply.AsString()}"),
    };
}
