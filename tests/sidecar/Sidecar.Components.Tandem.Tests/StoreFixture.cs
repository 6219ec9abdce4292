using System.Text;
using Sidecar.Abstractions;
using Sidecar.Components.Broker;
using Sidecar.Components.Keys;
using Sidecar.Components.Tandem.Store;
using TestKit;

namespace Sidecar.Components.Tandem.Tests;

/// <summary>A store in a folder of its own, with short forms of what the tests do.</summary>
internal sealed class StoreFixture : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private FileStore? _store;

    public StoreOptions Options { get; set; } = new();

    public string Directory => _directory.Path;

    public FileStore Store => _store ??= FileStore.Open(Directory, Options);

    public KeyTable Table => Store.Table("state/test");

    public Topic Topic => Store.Broker("pubsub").Topic("topic");

    /// <summary>The newest log.</summary>
    public string LogFile => System.IO.Directory.GetFiles(Directory, "*.log").Max()!;

    public Task SetAsync(string key, string value, TimeSpan? ttl = null) =>
        WriteAsync(new StateWrite(key, Encoding.UTF8.GetBytes(value), Ttl: ttl));

    public async Task WriteAsync(params StateWrite[] writes) => await Store.WriteAsync(Table, writes, Durability.Written, default);

    public string? Read(string key) => Table.FindLive(key, Store.Time.GetUtcNow().Ticks) is { } entry ? Encoding.UTF8.GetString(entry.Value) : null;

    public async Task PublishAsync(params string[] messages) =>
        await Store.PublishAsync(Topic, [.. messages.Select(text => Entry(text))], Durability.Written, default);

    public static TopicEntry Entry(string text) => new(Encoding.UTF8.GetBytes(text), ComponentMetadata.Empty, 1, TopicEntry.Never);

    public async Task CloseAsync()
    {
        if (_store is { } store)
        {
            _store = null;
            await store.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _directory.Dispose();
    }
}
