using System.Collections.Concurrent;

namespace Sidecar.Components.Keys;

/// <summary>
/// A table of keys in memory: reads take no lock, writes come from one writer at a time. Expired entries are hidden at
/// once and stay until the owner of the table removes what <see cref="FindExpired"/> names.
/// </summary>
internal sealed class KeyTable(string name)
{
    private readonly ConcurrentDictionary<string, KeyEntry> _entries = new(StringComparer.Ordinal);
    private readonly OrderedKeys _order = new();
    private long _bytes;

    /// <summary>Name within the store, e.g. <c>state/statestore</c>.</summary>
    public string Name { get; } = name;

    /// <summary>Called on the writer after each change with the key and the entry, or null for a removal. Must not block.</summary>
    public event Action<string, KeyEntry?>? Changed;

    /// <summary>Every entry, expired ones too, in no order; safe while it is written.</summary>
    public IEnumerable<KeyEntry> Entries => _entries.Select(pair => pair.Value);

    /// <summary>About as many bytes as the entries take in a file.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public KeyEntry? Find(string key) => _entries.GetValueOrDefault(key);

    public KeyEntry? FindLive(string key, long now) =>
        _entries.TryGetValue(key, out var entry) && entry.IsLive(now) ? entry : null;

    /// <summary>Live keys with the prefix, in ordinal order.</summary>
    public IEnumerable<string> LiveKeys(string prefix, TimeProvider time) =>
        _order.StartingWith(prefix).Where(key => FindLive(key, time.GetUtcNow().Ticks) is not null);

    public void Put(KeyEntry entry)
    {
        var bytes = SizeOf(entry);
        if (_entries.TryGetValue(entry.Key, out var previous))
        {
            bytes -= SizeOf(previous);
        }
        else
        {
            _order.Add(entry.Key);
        }

        _entries[entry.Key] = entry;
        Volatile.Write(ref _bytes, _bytes + bytes);
        Changed?.Invoke(entry.Key, entry);
    }

    public void Remove(string key)
    {
        if (_entries.TryRemove(key, out var removed))
        {
            _order.Remove(key);
            Volatile.Write(ref _bytes, _bytes - SizeOf(removed));
            Changed?.Invoke(key, null);
        }
    }

    /// <summary>Fills an empty table: sorting once costs less than an order kept.</summary>
    public void Load(IEnumerable<KeyEntry> entries)
    {
        foreach (var entry in entries)
        {
            _entries[entry.Key] = entry;
            _bytes += SizeOf(entry);
        }

        _order.Fill([.. _entries.Select(pair => pair.Key).Order(StringComparer.Ordinal)]);
    }

    /// <summary>
    /// The entries that have expired and are still stored. A walk over everything now and then costs less than an order by
    /// expiry, which every write of a key with a TTL would have to keep.
    /// </summary>
    public List<KeyEntry> FindExpired(long now) => [.. Entries.Where(entry => !entry.IsLive(now))];

    private static long SizeOf(KeyEntry entry) => entry.Key.Length + entry.Value.Length + 32;
}
