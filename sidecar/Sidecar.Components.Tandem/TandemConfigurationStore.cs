using System.Text;
using System.Text.Json;
using Sidecar.Abstractions;
using Sidecar.Components.Keys;

namespace Sidecar.Components.Tandem;

/// <summary>
/// <c>configuration.tandem</c>: items kept as <c>value||version</c>, shared by all instances with one component name; an empty
/// version stands for that of the write.
/// Metadata <c>file</c>: path of a JSON object, <c>{"key": "value"}</c> or <c>{"key": {"value": "…", "version": "…"}}</c>,
/// whose items are written at each start where their value differs from what is stored.
/// </summary>
public sealed class TandemConfigurationStore : TandemComponent, IConfigurationStore
{
    private const string Separator = "||";
    private KeyTable _table = null!;

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
        foreach (var (key, value, version) in await ReadSeedAsync(path, cancellationToken))
        {
            var item = _table.Find(key) is { } entry ? Decode(entry) : null;
            if (item?.Value != value || version is { Length: > 0 } && item.Version != version)
            {
                await SetAsync(key, value, version, cancellationToken);
            }
        }
    }

    private static async Task<IReadOnlyList<(string Key, string Value, string? Version)>> ReadSeedAsync(
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
