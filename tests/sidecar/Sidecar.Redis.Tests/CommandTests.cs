using System.Text;

[assembly: AssemblyFixture(typeof(Sidecar.Redis.Tests.RedisServerFixture))]

namespace Sidecar.Redis.Tests;

public sealed class CommandTests(RedisServerFixture fixture) : IAsyncLifetime
{
    private readonly string _key = Guid.NewGuid().ToString("N");
    private RedisClient _redis = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _redis = await RedisClient.ConnectAsync(fixture.Server.Options(), Cancel);

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Sends_text_bytes_and_numbers()
    {
        byte[] bytes = [0, 13, 10, 255];
        await _redis.ExecuteAsync(RedisCommand.Of("RPUSH", _key, "ü€", bytes, (ReadOnlyMemory<byte>)bytes.AsMemory(1, 2), long.MinValue, -1, 0), Cancel);
        var items = (await _redis.ExecuteAsync(RedisCommand.Of("LRANGE", _key, 0, -1), Cancel)).Items;
        Assert.Equal("ü€", items[0].AsString());
        Assert.Equal(bytes, items[1].AsBytes().ToArray());
        Assert.Equal("\r\n", items[2].AsString());
        Assert.Equal([long.MinValue, -1, 0], items.Skip(3).Select(item => item.AsInt64()));
    }

    [Fact]
    public async Task Reads_the_types_of_RESP3()
    {
        await _redis.ExecuteAsync(RedisCommand.Of("HSET", _key, "field", "value"), Cancel);
        var map = await _redis.ExecuteAsync(RedisCommand.Of("HGETALL", _key), Cancel);
        Assert.Equal(RedisReplyKind.Map, map.Kind);
        Assert.Equal(["field", "value"], map.Items.Select(item => item.AsString()));
        Assert.True((await _redis.ExecuteAsync(RedisCommand.Of("GET", _key + "-missing"), Cancel)).IsNull);
        await _redis.ExecuteAsync(RedisCommand.Of("ZADD", _key + "-z", "1.5", "a"), Cancel);
        Assert.Equal(1.5, (await _redis.ExecuteAsync(RedisCommand.Of("ZSCORE", _key + "-z", "a"), Cancel)).AsDouble());
        foreach (var (type, kind) in new[]
        {
            ("string", RedisReplyKind.String), ("integer", RedisReplyKind.Integer), ("double", RedisReplyKind.Double), ("bignum", RedisReplyKind.BigNumber),
            ("null", RedisReplyKind.Null), ("array", RedisReplyKind.Array), ("set", RedisReplyKind.Set), ("map", RedisReplyKind.Map),
            ("attrib", RedisReplyKind.String), ("verbatim", RedisReplyKind.Verbatim), ("true", RedisReplyKind.Boolean), ("false", RedisReplyKind.Boolean),
        })
        {
            Assert.Equal(kind, (await _redis.ExecuteAsync(RedisCommand.Of("DEBUG", "PROTOCOL", type), Cancel)).Kind);
        }
    }

    [Fact]
    public async Task An_error_reply_is_thrown_with_its_code()
    {
        await _redis.ExecuteAsync(RedisCommand.Of("SET", _key, "text"), Cancel);
        var wrongType = await Assert.ThrowsAsync<RedisServerException>(async () => await _redis.ExecuteAsync(RedisCommand.Of("LPUSH", _key, "x"), Cancel));
        Assert.Equal("WRONGTYPE", wrongType.Code);
        var noGroup = await Assert.ThrowsAsync<RedisServerException>(async () =>
            await _redis.ExecuteAsync(RedisCommand.Of("XREADGROUP", "GROUP", "g", "c", "STREAMS", _key + "-s", ">"), Cancel));
        Assert.Equal("NOGROUP", noGroup.Code);
    }

    [Fact]
    public async Task Thirty_two_callers_each_get_their_own_replies()
    {
        await Task.WhenAll(Enumerable.Range(0, 32).Select(caller => Task.Run(async () =>
        {
            for (var call = 0; call < 500; call++)
            {
                var text = $"{caller}/{call}/{new string('x', call)}";
                Assert.Equal(text, (await _redis.ExecuteAsync(RedisCommand.Of("ECHO", text), Cancel)).AsString());
            }
        })));
        Assert.Equal(1, _redis.Generation);
    }

    [Fact]
    public async Task A_pipeline_has_its_errors_among_its_replies()
    {
        var replies = await _redis.ExecuteManyAsync(
            [RedisCommand.Of("SET", _key, 1), RedisCommand.Of("LPUSH", _key, "x"), RedisCommand.Of("INCR", _key)], Cancel);
        Assert.Equal("OK", replies[0].AsString());
        Assert.True(replies[1].IsError);
        Assert.Equal("WRONGTYPE", replies[1].ToException().Code);
        Assert.Equal(2, replies[2].AsInt64());
    }

    [Fact]
    public async Task A_cancelled_command_does_not_disturb_the_replies_of_others()
    {
        var calls = Enumerable.Range(0, 2_000).Select(async number =>
        {
            using var cancel = new CancellationTokenSource();
            var call = _redis.ExecuteAsync(RedisCommand.Of("ECHO", number), cancel.Token).AsTask();
            if (number % 3 == 0)
            {
                cancel.Cancel();
                await Task.WhenAny(call);
                Assert.True(call.IsCanceled || (await call).AsInt64() == number);
            }
            else
            {
                Assert.Equal(number, (await call).AsInt64());
            }
        });
        await Task.WhenAll(calls);
        Assert.Equal(1, _redis.Generation);
    }

    [Fact]
    public async Task A_transaction_returns_the_replies_of_its_commands()
    {
        var replies = await _redis.TransactionAsync([RedisCommand.Of("SET", _key, 1), RedisCommand.Of("INCR", _key), RedisCommand.Of("GET", _key)], Cancel);
        Assert.Equal(["OK", "2", "2"], replies.Select(reply => reply.AsString()));
    }

    [Fact]
    public async Task Transactions_of_concurrent_callers_do_not_mix()
    {
        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
        {
            for (var round = 0; round < 50; round++)
            {
                var replies = await _redis.TransactionAsync([RedisCommand.Of("INCR", _key), RedisCommand.Of("DECR", _key)], Cancel);
                Assert.Equal([1, 0], replies.Select(reply => reply.AsInt64()));
            }
        })));
    }

    [Fact]
    public async Task Nothing_of_a_transaction_runs_when_a_command_is_refused()
    {
        var refused = await Assert.ThrowsAsync<RedisServerException>(async () =>
            await _redis.TransactionAsync([RedisCommand.Of("SET", _key, 1), RedisCommand.Of("NOSUCHCOMMAND")], Cancel));
        Assert.Equal("EXECABORT", refused.Code);
        Assert.Contains("NOSUCHCOMMAND", refused.Message);
        Assert.True((await _redis.ExecuteAsync(RedisCommand.Of("GET", _key), Cancel)).IsNull);
    }

    [Fact]
    public async Task A_script_that_the_server_has_forgotten_is_sent_again()
    {
        var script = new RedisScript("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}");
        for (var round = 1; round <= 3; round++)
        {
            var reply = await _redis.EvaluateAsync(script, [_key], ["argument"], Cancel);
            Assert.Equal([_key, "argument", $"{round}"], reply.Items.Select(item => item.AsString()));
            await _redis.ExecuteAsync(RedisCommand.Of("SCRIPT", "FLUSH"), Cancel);
        }

        var inTransaction = await _redis.TransactionAsync([script.ToCommand([_key], ["argument"])], Cancel);
        Assert.Equal(4, inTransaction[0][2].AsInt64());
    }

    [Fact]
    public async Task Values_of_eight_mebibytes_go_both_ways()
    {
        var value = new byte[8 << 20];
        Random.Shared.NextBytes(value);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(number => Task.Run(async () =>
        {
            await _redis.ExecuteAsync(RedisCommand.Of("SET", $"{_key}-{number}", value), Cancel);
            var reply = await _redis.ExecuteAsync(RedisCommand.Of("GET", $"{_key}-{number}"), Cancel);
            Assert.True(reply.AsBytes().Span.SequenceEqual(value));
            await _redis.ExecuteAsync(RedisCommand.Of("DEL", $"{_key}-{number}"), Cancel);
        })));
    }

    [Fact]
    public async Task A_dedicated_connection_blocks_alone()
    {
        await using var dedicated = await _redis.OpenDedicatedAsync(Cancel);
        var blocked = dedicated.ExecuteBlockingAsync(RedisCommand.Of("BLPOP", _key, 30), TimeSpan.FromSeconds(30), Cancel).AsTask();
        await _redis.ExecuteAsync(RedisCommand.Of("RPUSH", _key, "value"), Cancel);
        Assert.Equal("value", (await blocked)[1].AsString());
    }

    [Fact]
    public async Task Bytes_may_be_reused_once_the_command_was_queued()
    {
        var bytes = Encoding.UTF8.GetBytes("before");
        var set = _redis.ExecuteAsync(RedisCommand.Of("SET", _key, bytes), Cancel);
        "after!"u8.CopyTo(bytes);
        await set;
        Assert.Equal("before", (await _redis.ExecuteAsync(RedisCommand.Of("GET", _key), Cancel)).AsString());
    }
}
