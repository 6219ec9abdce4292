using System.Runtime.CompilerServices;
using Sidecar.Abstractions;

namespace Sidecar.Runtime.Configuration;

/// <summary>
/// A subscription whose changes the subscriber reads from a stream (grpc §2.1). What the reader has not taken yet is kept by key with its
/// newest value, so a slow one costs no more memory than there are keys.
/// </summary>
public sealed class ConfigurationStream : IConfigurationSubscription
{
    private readonly Lock _gate = new();
    private Dictionary<string, ConfigurationItem> _changes = new(StringComparer.Ordinal);
    private TaskCompletionSource _news = NewSignal();
    private IAsyncDisposable? _source;
    private bool _ended;

    internal ConfigurationStream()
    {
    }

    /// <inheritdoc cref="IConfigurationSubscription.Id"/>
    public string Id { get; } = Guid.NewGuid().ToString();

    bool IConfigurationSubscription.EndsWithApp => false;

    /// <summary>Changes since the last ones, until the subscription is ended. For one reader.</summary>
    public async IAsyncEnumerable<IReadOnlyDictionary<string, ConfigurationItem>> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            Dictionary<string, ConfigurationItem> changes;
            Task news;
            lock (_gate)
            {
                if (_ended)
                {
                    yield break;
                }

                (changes, _changes) = (_changes, new(StringComparer.Ordinal));
                _news = NewSignal();
                news = _news.Task;
            }

            if (changes.Count > 0)
            {
                yield return changes;
            }
            else
            {
                await news.WaitAsync(cancellationToken);
            }
        }
    }

    async Task IConfigurationSubscription.StartAsync(
        IConfigurationStore store, IReadOnlyList<string> keys, ComponentMetadata metadata, CancellationToken cancellationToken) =>
        _source = await store.SubscribeAsync(keys, metadata, OnChanged, cancellationToken);

    async Task IConfigurationSubscription.EndAsync(TimeSpan drainTimeout)
    {
        lock (_gate)
        {
            _ended = true;
            _news.TrySetResult();
        }

        await _source!.DisposeAsync();
    }

    // On the store's own thread, in the order of the changes.
    private void OnChanged(string key, ConfigurationItem item)
    {
        lock (_gate)
        {
            _changes[key] = item;
            _news.TrySetResult();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
