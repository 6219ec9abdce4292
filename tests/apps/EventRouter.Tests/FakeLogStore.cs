using System.Globalization;
using System.Text.Json;
using EventRouter.Logs;

namespace EventRouter.Tests;

/// <summary>
/// A state store in memory that several routers share, with faults at chosen points. Values pass through JSON, so that no
/// two routers share an object.
/// </summary>
internal sealed class FakeLogStore : ILogStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (string Json, long Version)> _values = [];
    private readonly Dictionary<string, TimeSpan> _ttls = [];
    private long _version;

    /// <summary>Runs before a conditional write reaches the store, with its key.</summary>
    public Func<string, Task> BeforeWrite { get; set; } = _ => Task.CompletedTask;

    /// <summary>Runs after a write has happened; a throw here is an answer that was lost.</summary>
    public Action<string> AfterWrite { get; set; } = _ => { };

    public int Writes { get; private set; }

    public IReadOnlyDictionary<string, TimeSpan> Ttls => _ttls;

    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (_lock)
            {
                return [.. _values.Keys.Order(StringComparer.Ordinal)];
            }
        }
    }

    public T? Peek<T>(string key) where T : class
    {
        lock (_lock)
        {
            return _values.TryGetValue(key, out var stored) ? JsonSerializer.Deserialize<T>(stored.Json) : null;
        }
    }

    public void Remove(string key)
    {
        lock (_lock)
        {
            _values.Remove(key);
        }
    }

    public Task<(T? Value, string ETag)> ReadAsync<T>(string key, CancellationToken cancellationToken) where T : class
    {
        lock (_lock)
        {
            return Task.FromResult(_values.TryGetValue(key, out var stored)
                ? (JsonSerializer.Deserialize<T>(stored.Json), stored.Version.ToString(CultureInfo.InvariantCulture))
                : ((T?)null, ""));
        }
    }

    public Task<IReadOnlyList<T>> ReadManyAsync<T>(IReadOnlyList<string> keys, CancellationToken cancellationToken) where T : class =>
        Task.FromResult<IReadOnlyList<T>>([.. keys.Select(Peek<T>).OfType<T>()]);

    public async Task CreateAsync<T>(string key, T value, TimeSpan ttl, CancellationToken cancellationToken) where T : class
    {
        await BeforeWrite(key);
        lock (_lock)
        {
            if (_values.ContainsKey(key))
            {
                throw new InvalidOperationException("The key exists");
            }

            Store(key, value, ttl);
        }

        AfterWrite(key);
    }

    public async Task<bool> ReplaceAsync<T>(string key, T value, string etag, TimeSpan ttl, CancellationToken cancellationToken) where T : class
    {
        await BeforeWrite(key);
        lock (_lock)
        {
            if (!_values.TryGetValue(key, out var stored) || stored.Version.ToString(CultureInfo.InvariantCulture) != etag)
            {
                return false;
            }

            Store(key, value, ttl);
        }

        AfterWrite(key);
        return true;
    }

    public async Task WriteAsync<T>(string key, T value, TimeSpan ttl, CancellationToken cancellationToken) where T : class
    {
        await BeforeWrite(key);
        lock (_lock)
        {
            Store(key, value, ttl);
        }

        AfterWrite(key);
    }

    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        await BeforeWrite(key);
        lock (_lock)
        {
            _values.Remove(key);
        }

        AfterWrite(key);
    }

    private void Store<T>(string key, T value, TimeSpan ttl)
    {
        _values[key] = (JsonSerializer.Serialize(value), ++_version);
        _ttls[key] = ttl;
        Writes++;
    }
}
