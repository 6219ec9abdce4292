using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Components.Keys;

namespace Sidecar.Components.Tandem;

/// <summary>
/// <c>configuration.tandem</c>: items kept as <c>value||version</c>, shared by all instances with one component name; an empty
/// version stands for that of the write.
/// Metadata <c>file</c>: path of a JSON object, <c>{"key": "value"}</c> or <c>{"key": {"value": "…", "version": "…"}}</c>,
/// whose items are written at each start where their value differs from what is stored, and again whenever the file changes; an item that
/// is taken out of the file then is removed. Files are looked at, not watched: a watch needs system resources that may have run out.
/// </summary>
public sealed partial class TandemConfigurationStore : TandemComponent, IConfigurationStore
{
    private const string Separator = "||";
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private KeyTable _table = null!;
    private Task _looking = Task.CompletedTask;

    internal TandemConfigurationStore(ComponentContext context) : base(context) { }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<string, ConfigurationItem>> GetAsync(
        IReadOnlyList<string> keys, ComponentMetadata metadata, CancellationToken cancellationToken)
    {
        var items = new Dictionary<string, ConfigurationItem>(StringComparer.Ordinal);
        foreach (var key in keys.Count > 0 ? keys : _table.LiveKeys("", Time))
        {
            if (_table.Find(key) is { } entry)
            {
                items[key] = Decode(entry);
            }
        }

        return new(items);
    }

    /// <inheritdoc/>
    public Task<IAsyncDisposable> SubscribeAsync(
        IReadOnlyList<string> keys, ComponentMetadata metadata, Action<string, ConfigurationItem> changed, CancellationToken cancellationToken) =>
        Task.FromResult<IAsyncDisposable>(new Subscription(_table, keys, changed));

    /// <summary>
    /// Writes an item and tells its subscribers. Without a version it gets that of the write, which the store gives out: a number
    /// larger than any before. Durable when it returns.
    /// </summary>
    public ValueTask SetAsync(string key, string value, string? version, CancellationToken cancellationToken) => Store.WriteAsync(
        _table, [new StateWrite(key, Encoding.UTF8.GetBytes(value + Separator + version))], Durability, cancellationToken);

    /// <summary>Removes an item; subscribers get it with an empty value and version.</summary>
    public ValueTask DeleteAsync(string key, CancellationToken cancellationToken) =>
        Store.WriteAsync(_table, [new StateWrite(key, null)], Durability, cancellationToken);

    private static ConfigurationItem Decode(KeyEntry entry)
    {
        var text = Encoding.UTF8.GetString(entry.Value);
        var separator = text.LastIndexOf(Separator, StringComparison.Ordinal);
        var version = text[(separator + Separator.Length)..];
        return new ConfigurationItem(text[..separator], version.Length > 0 ? version : entry.ETag, ComponentMetadata.Empty);
    }

    private protected override async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        _table = Store.Table("configuration/" + Context.Name);
        if (Context.Metadata["file"] is not { Length: > 0 } file)
        {
            return;
        }

        var path = Path.GetFullPath(file, Context.BaseDirectory);
        // Before it is read: what is written meanwhile is a change.
        var stamp = Stamp(path);
        _looking = LookAsync(path, stamp, await ApplyAsync(path, cancellationToken), _stop.Token);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _looking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.DisposeAsync();
    }

    private async Task LookAsync(string path, (DateTime, long) stamp, IReadOnlySet<string> keys, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(LookInterval, Time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            var now = Stamp(path);
            if (now == stamp)
            {
                continue;
            }

            stamp = now;
            try
            {
                var present = await ApplyAsync(path, stop);
                foreach (var gone in keys.Except(present))
                {
                    await DeleteAsync(gone, stop);
                }

                keys = present;
            }
            catch (Exception exception) when (!stop.IsCancellationRequested)
            {
                // Half written, perhaps: the next change is looked at again.
                LogNotRead(Logger, Context.Name, exception.Message);
            }
        }
    }

    /// <summary>Writes what differs from the store. Of several instances that see a change one writes it: the others' condition fails.</summary>
    private async Task<IReadOnlySet<string>> ApplyAsync(string path, CancellationToken cancellationToken)
    {
        var items = await ReadItemsAsync(path, cancellationToken);
        foreach (var (key, value, version) in items)
        {
            var entry = _table.Find(key);
            var item = entry is null ? null : Decode(entry);
            if (item?.Value == value && (version is not { Length: > 0 } || item.Version == version))
            {
                continue;
            }

            try
            {
                var write = new StateWrite(key, Encoding.UTF8.GetBytes(value + Separator + version), entry?.ETag, FirstWrite: entry is null);
                await Store.WriteAsync(_table, [write], Durability, cancellationToken);
            }
            catch (ETagMismatchException)
            {
                // Another instance was first.
            }
        }

        return items.Select(item => item.Key).ToHashSet(StringComparer.Ordinal);
    }

    private static (DateTime Written, long Length) Stamp(string path) => new FileInfo(path) is { Exists: true } file ? (file.LastWriteTimeUtc, file.Length) : default;

    private static async Task<IReadOnlyList<(string Key, string Value, string? Version)>> ReadItemsAsync(
        string path, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = File.OpenRead(path);
            using var document = await JsonDocument.ParseAsync(stream, cancellationToken: cancellationToken);
            return [.. document.RootElement.EnumerateObject().Select(Item)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ComponentException($"metadata 'file': cannot read '{path}': {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new ComponentException(
                $"metadata 'file': '{path}' must be a JSON object of strings or of {{\"value\", \"version\"}} objects", exception);
        }
    }

    private static (string Key, string Value, string? Version) Item(JsonProperty property) =>
        property.Value.ValueKind == JsonValueKind.Object
            ? (property.Name,
               property.Value.GetProperty("value").GetString() ?? "",
               property.Value.TryGetProperty("version", out var version) ? version.GetString() : null)
            : (property.Name, property.Value.GetString() ?? "", null);

    [LoggerMessage(2421, LogLevel.Warning, "configuration {Name}: the changed file is not taken: {Problem}")]
    private static partial void LogNotRead(ILogger logger, string name, string problem);

    private sealed class Subscription : IAsyncDisposable
    {
        private static readonly ConfigurationItem Deleted = new("", "", ComponentMetadata.Empty);
        private readonly KeyTable _table;
        private readonly HashSet<string> _keys;
        private readonly Action<string, ConfigurationItem> _changed;

        public Subscription(KeyTable table, IReadOnlyList<string> keys, Action<string, ConfigurationItem> changed)
        {
            _table = table;
            _keys = new HashSet<string>(keys, StringComparer.Ordinal);
            _changed = changed;
            _table.Changed += OnChanged;
        }

        public ValueTask DisposeAsync()
        {
            _table.Changed -= OnChanged;
            return ValueTask.CompletedTask;
        }

        private void OnChanged(string key, KeyEntry? entry)
        {
            if (_keys.Count == 0 || _keys.Contains(key))
            {
                _changed(key, entry is null ? Deleted : Decode(entry));
            }
        }
    }
}
