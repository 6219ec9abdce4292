using System.Diagnostics;
using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Conformance.Tests;

/// <summary>What every state store does.</summary>
public abstract class StateStoreConformance<TFixture> : IAsyncLifetime where TFixture : IStateStoreFixture, new()
{
    /// <summary>Short enough to be waited for where the server has its own clock.</summary>
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(2);

    private readonly TFixture _fixture = new();
    private IStateStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await _fixture.StateStoreAsync();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Returns_what_was_written()
    {
        await SetAsync("key", "value");

        Assert.Equal("value", await ReadAsync("key"));
        Assert.Null(await ReadAsync("other"));
    }

    [Fact]
    public async Task Keeps_bytes_as_they_are()
    {
        byte[] bytes = [0, 255, 10, 13, 0, 128];
        await _store.WriteAsync(new StateWrite("binary", bytes), default);
        bytes[0] = 9;

        Assert.Equal(new byte[] { 0, 255, 10, 13, 0, 128 }, (await _store.GetAsync("binary", default))!.Value.ToArray());
    }

    [Fact]
    public async Task Changes_the_etag_with_every_write_of_the_same_value()
    {
        await SetAsync("key", "value");
        var first = await ETagAsync("key");
        await SetAsync("key", "value");

        Assert.NotEqual(first, await ETagAsync("key"));
    }

    [Fact]
    public async Task Never_gives_an_etag_of_a_deleted_key_to_its_successor()
    {
        await SetAsync("key", "value");
        var first = await ETagAsync("key");
        await DeleteAsync("key");
        await SetAsync("key", "value");

        await Assert.ThrowsAsync<ETagMismatchException>(() => SetAsync("key", "late", first));
    }

    [Fact]
    public async Task Writes_with_the_current_etag_only()
    {
        await SetAsync("key", "one");
        var etag = await ETagAsync("key");
        await SetAsync("key", "two", etag);

        var refused = await Assert.ThrowsAsync<ETagMismatchException>(() => SetAsync("key", "three", etag));
        Assert.Equal("key", refused.Key);
        Assert.Equal("two", await ReadAsync("key"));
    }

    [Fact]
    public async Task Refuses_an_etag_for_an_absent_key()
    {
        await SetAsync("other", "value");
        var etag = await ETagAsync("other");

        await Assert.ThrowsAsync<ETagMismatchException>(() => SetAsync("key", "value", etag));
    }

    [Fact]
    public async Task Deletes_with_the_current_etag_only()
    {
        await SetAsync("key", "one");
        var stale = await ETagAsync("key");
        await SetAsync("key", "two");

        await Assert.ThrowsAsync<ETagMismatchException>(() => DeleteAsync("key", stale));
        await DeleteAsync("key", await ETagAsync("key"));
        Assert.Null(await ReadAsync("key"));
    }

    [Fact]
    public async Task Deleting_an_absent_key_succeeds() => await DeleteAsync("absent");

    [Fact]
    public async Task Tells_a_malformed_etag_from_a_stale_one()
    {
        await SetAsync("key", "value");

        await Assert.ThrowsAsync(MalformedETag, () => SetAsync("key", "value", "not an etag!"));
        await Assert.ThrowsAsync(MalformedETag, () => DeleteAsync("key", "not an etag!"));
    }

    [Fact]
    public async Task First_write_wins_once()
    {
        await _store.WriteAsync(new StateWrite("key", Bytes("first"), FirstWrite: true), default);

        await Assert.ThrowsAsync<ETagMismatchException>(
            async () => await _store.WriteAsync(new StateWrite("key", Bytes("second"), FirstWrite: true), default));
        Assert.Equal("first", await ReadAsync("key"));
    }

    [Fact]
    public async Task One_of_many_concurrent_first_writes_wins()
    {
        var writes = Enumerable.Range(0, 32).Select(i => Task.Run(async () =>
        {
            try
            {
                await _store.WriteAsync(new StateWrite("key", Bytes($"{i}"), FirstWrite: true), default);
                return $"{i}";
            }
            catch (ETagMismatchException)
            {
                return null;
            }
        }));

        var winner = Assert.Single((await Task.WhenAll(writes)).OfType<string>());
        Assert.Equal(winner, await ReadAsync("key"));
    }

    [Fact]
    public async Task Concurrent_compare_and_set_loses_no_increment()
    {
        await SetAsync("counter", "0");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var done = 0; done < 20;)
            {
                var item = (await _store.GetAsync("counter", default))!;
                try
                {
                    var value = int.Parse(Encoding.UTF8.GetString(item.Value.Span), null);
                    await SetAsync("counter", $"{value + 1}", item.ETag);
                    done++;
                }
                catch (ETagMismatchException)
                {
                    await Task.Yield();
                }
            }
        })));

        Assert.Equal("160", await ReadAsync("counter"));
    }

    [Fact]
    public async Task Reads_many_keys_in_the_order_asked()
    {
        await SetAsync("a", "1");
        await SetAsync("b", "2");

        var items = await _store.GetManyAsync(["b", "absent", "a"], default);

        Assert.Equal(["2", null, "1"], items.Select(item => item is null ? null : Encoding.UTF8.GetString(item.Value.Span)));
    }

    [Fact]
    public async Task Hides_an_expired_value_and_takes_a_first_write_for_it()
    {
        StateItem? item;
        DateTimeOffset before;
        long began;
        do
        {
            (before, began) = (Now(), Stopwatch.GetTimestamp());
            await _store.WriteAsync(new StateWrite("key", Bytes("old"), Ttl: Ttl), default);
            item = await _store.GetAsync("key", default);
        }
        // Asked for too late to be there.
        while (_fixture.Clock is null && item is null && Stopwatch.GetElapsedTime(began) >= Ttl);

        // A server rounds its times.
        var rounding = _fixture.Clock is null ? TimeSpan.FromSeconds(1) : TimeSpan.Zero;
        Assert.InRange(item!.ExpiresAt!.Value, before + Ttl - rounding, Now() + Ttl + rounding);

        await UntilExpiredAsync("key");

        await Assert.ThrowsAsync<ETagMismatchException>(() => SetAsync("key", "late", item.ETag));
        await _store.WriteAsync(new StateWrite("key", Bytes("new"), FirstWrite: true), default);
        Assert.Equal("new", await ReadAsync("key"));
        Assert.Null((await _store.GetAsync("key", default))!.ExpiresAt);
    }

    [Fact]
    public async Task A_write_without_ttl_keeps_the_value_for_good()
    {
        await _store.WriteAsync(new StateWrite("key", Bytes("old"), Ttl: Ttl), default);
        await SetAsync("key", "new");
        await _store.WriteAsync(new StateWrite("later", Bytes("old"), Ttl: Ttl), default);

        await UntilExpiredAsync("later");

        Assert.Equal("new", await ReadAsync("key"));
        Assert.Null((await _store.GetAsync("key", default))!.ExpiresAt);
    }

    [Fact]
    public async Task A_transaction_gives_each_write_its_time_to_live()
    {
        await _store.TransactAsync([new("short", Bytes("1"), Ttl: Ttl), new("long", Bytes("2"))], default);

        await UntilExpiredAsync("short");

        Assert.Equal("2", await ReadAsync("long"));
    }

    [Fact]
    public async Task A_transaction_happens_wholly_or_not_at_all()
    {
        await SetAsync("a", "1");
        await SetAsync("b", "1");
        var (a, b) = (await ETagAsync("a"), await ETagAsync("b"));
        await SetAsync("b", "2");

        await Assert.ThrowsAsync<ETagMismatchException>(async () => await _store.TransactAsync(
            [new("a", Bytes("3"), a), new("new", Bytes("3")), new("b", Bytes("3"), b)], default));
        Assert.Equal(("1", null, "2"), (await ReadAsync("a"), await ReadAsync("new"), await ReadAsync("b")));

        await _store.TransactAsync([new("a", Bytes("4"), a), new("new", Bytes("4"), FirstWrite: true), new("b", null)], default);
        Assert.Equal(("4", "4", null), (await ReadAsync("a"), await ReadAsync("new"), await ReadAsync("b")));
    }

    [Fact]
    public async Task A_transaction_sees_its_own_earlier_writes()
    {
        await _store.TransactAsync([new("key", Bytes("1"), FirstWrite: true), new("key", null), new("key", Bytes("2"), FirstWrite: true)], default);

        Assert.Equal("2", await ReadAsync("key"));
    }

    [Fact]
    public async Task A_transaction_writes_in_order()
    {
        await SetAsync("gone", "0");
        await _store.TransactAsync([new("key", Bytes("1")), new("gone", Bytes("1")), new("key", Bytes("2")), new("gone", null)], default);

        Assert.Equal(("2", null), (await ReadAsync("key"), await ReadAsync("gone")));
    }

    [Fact]
    public async Task A_transaction_with_a_malformed_etag_writes_nothing()
    {
        await Assert.ThrowsAsync(
            MalformedETag, async () => await _store.TransactAsync([new("a", Bytes("1")), new("b", null, "not an etag!")], default));

        Assert.Null(await ReadAsync("a"));
    }

    [Fact]
    public async Task Concurrent_transactions_over_the_same_keys_leave_them_equal()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            for (var round = 0; round < 10; round++)
            {
                StateWrite[] writes = [new("a", Bytes($"{writer}-{round}")), new("b", Bytes($"{writer}-{round}"))];
                await _store.TransactAsync(writer % 2 == 0 ? writes : [writes[1], writes[0]], default);
            }
        })));

        Assert.Equal(await ReadAsync("a"), await ReadAsync("b"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3_000_000)]
    public async Task Keeps_values_of_any_size(int length)
    {
        var value = new byte[length];
        Random.Shared.NextBytes(value);
        await _store.WriteAsync(new StateWrite("key", value), default);

        Assert.Equal(value, (await _store.GetAsync("key", default))!.Value.ToArray());
    }

    [Fact]
    public async Task Takes_the_wildcards_of_a_prefix_as_they_are()
    {
        Assert.SkipUnless(_store is IKeyListing, "the store cannot list keys");
        string[] prefixes = ["a*||", "a?||", "[ab]||", @"a\||", "a%||", "a_||", "ä ||", "'a||"];
        foreach (var prefix in prefixes)
        {
            await SetAsync(prefix + "key", "value");
        }

        foreach (var prefix in prefixes)
        {
            Assert.Equal([prefix + "key"], await ListAsync(prefix));
        }
    }

    [Fact]
    public async Task Lists_each_of_many_keys_once()
    {
        Assert.SkipUnless(_store is IKeyListing, "the store cannot list keys");
        var keys = Enumerable.Range(0, 3000).Select(i => $"p:{i:0000}").ToArray();
        foreach (var chunk in keys.Chunk(500))
        {
            await _store.TransactAsync([.. chunk.Select(key => new StateWrite(key, Bytes("value")))], default);
        }

        Assert.Equal(keys, await ListAsync("p:"));
        Assert.All(await _store.GetManyAsync(keys, default), Assert.NotNull);
    }

    [Fact]
    public async Task Lists_live_keys_of_a_prefix_in_ordinal_order()
    {
        Assert.SkipUnless(_store is IKeyListing, "the store cannot list keys");
        foreach (var key in new[] { "p:b", "p:a", "q:a", "p", "p:B", "p:a:1", "o:z" })
        {
            await SetAsync(key, "value");
        }

        await DeleteAsync("p:b");

        Assert.Equal(["p:B", "p:a", "p:a:1"], await ListAsync("p:"));
    }

    [Fact]
    public async Task Instances_of_one_component_share_data()
    {
        await SetAsync("key", "value");
        var other = await _fixture.StateStoreAsync();

        Assert.NotNull(await other.GetAsync("key", default));
    }

    private Type MalformedETag => _fixture.KnowsMalformedETags ? typeof(ETagInvalidException) : typeof(ETagMismatchException);

    /// <summary>Waits until the written TTL is over, on whichever clock.</summary>
    private async Task UntilExpiredAsync(string key)
    {
        _fixture.Clock?.Advance(Ttl);
        await Wait.UntilAsync(async () => await ReadAsync(key) is null);
    }

    private DateTimeOffset Now() => (_fixture.Clock ?? TimeProvider.System).GetUtcNow();

    private async Task<List<string>> ListAsync(string prefix)
    {
        var keys = new List<string>();
        await foreach (var key in ((IKeyListing)_store).ListKeysAsync(prefix, default))
        {
            keys.Add(key);
        }

        return keys;
    }

    private async Task SetAsync(string key, string value, string? etag = null) =>
        await _store.WriteAsync(new StateWrite(key, Bytes(value), etag), default);

    private async Task DeleteAsync(string key, string? etag = null) => await _store.WriteAsync(new StateWrite(key, null, etag), default);

    private async Task<string?> ReadAsync(string key) =>
        await _store.GetAsync(key, default) is { } item ? Encoding.UTF8.GetString(item.Value.Span) : null;

    private async Task<string> ETagAsync(string key) => (await _store.GetAsync(key, default))!.ETag;

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
