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
        var changes = Channel.CreateUnbounded<KeyValuePair<string, ConfigurationItem>>();
        var subscription = await _store.SubscribeAsync(["watched"], ComponentMetadata.Empty, (items, _) =>
        {
            foreach (var item in items)
            {
                changes.Writer.TryWrite(item);
            }

            return Task.CompletedTask;
        }, default);

        await _fixture.WriteAsync("other", "0", "v0");
        await _fixture.WriteAsync("watched", "1", "v1");
        var change = await changes.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(("watched", "1", "v1"), (change.Key, change.Value.Value, change.Value.Version));

        await _fixture.WriteAsync("watched", null, "");
        Assert.Equal("", (await changes.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30))).Value.Value);

        await subscription.DisposeAsync();
        await _fixture.WriteAsync("watched", "2", "v2");
        Assert.False(changes.Reader.TryRead(out _));
    }
}
