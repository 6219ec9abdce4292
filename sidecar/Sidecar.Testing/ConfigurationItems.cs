using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Testing;

/// <summary>The items of the default configuration store; who subscribed to a key hears of its changes.</summary>
public sealed class ConfigurationItems
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ConfigurationItem> _items = new(StringComparer.Ordinal);
    private readonly List<Subscriber> _subscribers = [];
    private int _version;

    internal ConfigurationItems()
    {
    }

    /// <summary>Sets an item.</summary>
    public void Set(string key, string value)
    {
        lock (_gate)
        {
            Tell(key, _items[key] = new ConfigurationItem(value, (++_version).ToString(CultureInfo.InvariantCulture), ComponentMetadata.Empty));
        }
    }

    /// <summary>Removes an item.</summary>
    public void Remove(string key)
    {
        lock (_gate)
        {
            if (_items.Remove(key))
            {
                Tell(key, new ConfigurationItem("", "", ComponentMetadata.Empty));
            }
        }
    }

    internal IReadOnlyDictionary<string, ConfigurationItem> Get(IReadOnlyList<string> keys)
    {
        lock (_gate)
        {
            return _items.Where(item => keys.Count == 0 || keys.Contains(item.Key)).ToDictionary(item => item.Key, item => item.Value);
        }
    }

    internal IAsyncDisposable Subscribe(IReadOnlyList<string> keys, Action<string, ConfigurationItem> changed)
    {
        var subscriber = new Subscriber(this, keys, changed);
        lock (_gate)
        {
            _subscribers.Add(subscriber);
        }

        return subscriber;
    }

    /// <summary>With the gate held: in the order of the changes. A subscriber neither blocks nor throws.</summary>
    private void Tell(string key, ConfigurationItem item)
    {
        foreach (var subscriber in _subscribers)
        {
            if (subscriber.Keys.Count == 0 || subscriber.Keys.Contains(key))
            {
                subscriber.Changed(key, item);
            }
        }
    }

    private sealed record Subscriber(ConfigurationItems Items, IReadOnlyList<string> Keys, Action<string, ConfigurationItem> Changed) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            lock (Items._gate)
            {
                Items._subscribers.Remove(this);
            }

            return ValueTask.CompletedTask;
        }
    }
}
