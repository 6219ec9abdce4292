using System.Threading.Channels;
using Sidecar.Abstractions;

namespace Sidecar.Conformance.Tests;

/// <summary>What every configuration store does.</summary>
public abstract class ConfigurationConformance<TFixture> : IAsyncLifetime where TFixture : IConfigurationFixture, new()
{
    private readonly TFixture _fixture = new();
    private IConfigurationStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await _fixture.ConfigurationStoreAsync();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Returns_the_keys_asked_or_all()
    {
        await _fixture.WriteAsync("a", "1", "v1");
        await _fixture.WriteAsync("b", "x||y", "v2");

        var some = await _store.GetAsync(["b", "absent"], ComponentMetadata.Empty, default);
        var all = await _store.GetAsync([], ComponentMetadata.Empty, default);

        Assert.Equal(("x||y", "v2"), (Assert.Single(some).Value.Value, some["b"].Version));
        Assert.Equal(["a", "b"], all.Keys.Order());
    }

    [Fact]
    public async Task Tells_subscribers_what_changed_until_they_leave()
    {
        var (changes, subscription) = await SubscribeAsync("watched");

        await _fixture.WriteAsync("other", "0", "v0");
        await _fixture.WriteAsync("watched", "1", "v1");
        Assert.Equal(("watched", "1", "v1"), await NextAsync(changes));

        await _fixture.WriteAsync("watched", null);
        Assert.Equal(("watched", "", ""), await NextAsync(changes));

        await subscription.DisposeAsync();
        await _fixture.WriteAsync("watched", "2", "v2");
        Assert.False(changes.TryRead(out _));
    }

    [Fact]
    public async Task Tells_of_every_key_when_none_is_named_and_each_subscriber_on_its_own()
    {
        var (changes, _) = await SubscribeAsync();
        var (others, other) = await SubscribeAsync();
        await _fixture.WriteAsync("a", "1", "v1");
        Assert.Equal(("a", "1", "v1"), await NextAsync(others));
        await other.DisposeAsync();

        await _fixture.WriteAsync("b", "2", "v2");

        Assert.Equal([("a", "1", "v1"), ("b", "2", "v2")], [await NextAsync(changes), await NextAsync(changes)]);
        Assert.False(others.TryRead(out _));
    }

    [Fact]
    public async Task Writers_at_once_get_different_versions_and_the_last_told_is_what_is_stored()
    {
        const int Writers = 4;
        const int Writes = 50;
        var (changes, _) = await SubscribeAsync("a");

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var write = 0; write < Writes; write++)
            {
                await _fixture.WriteAsync("a", $"{writer}-{write}");
            }
        })));

        var stored = (await _store.GetAsync(["a"], ComponentMetadata.Empty, default))["a"];
        var told = new List<(string Key, string Value, string Version)>();
        while (_fixture.TellsEachChange ? told.Count < Writers * Writes : told.LastOrDefault().Version != stored.Version)
        {
            told.Add(await NextAsync(changes));
        }

        Assert.Distinct(told.Select(change => change.Version));
        Assert.Equal((stored.Value, stored.Version), (told[^1].Value, told[^1].Version));
    }

    [Fact]
    public async Task A_version_does_not_come_again_when_an_item_is_written_after_its_removal()
    {
        var (changes, _) = await SubscribeAsync("a");
        await _fixture.WriteAsync("a", "1");
        var first = await NextAsync(changes);
        await _fixture.WriteAsync("a", null);
        Assert.Equal(("a", "", ""), await NextAsync(changes));
        await _fixture.WriteAsync("a", "1");

        Assert.NotEqual(first.Version, (await NextAsync(changes)).Version);
    }

    private async Task<(ChannelReader<(string, string, string)> Changes, IAsyncDisposable Subscription)> SubscribeAsync(params string[] keys)
    {
        var changes = Channel.CreateUnbounded<(string, string, string)>();
        var subscription = await _store.SubscribeAsync(
            keys, ComponentMetadata.Empty, (key, item) => changes.Writer.TryWrite((key, item.Value, item.Version)), default);
        return (changes.Reader, subscription);
    }

    private static async Task<(string Key, string Value, string Version)> NextAsync(ChannelReader<(string, string, string)> changes) =>
        await changes.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
}
