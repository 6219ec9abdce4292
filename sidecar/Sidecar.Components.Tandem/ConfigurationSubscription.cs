using System.Threading.Channels;
using Sidecar.Abstractions;
using Sidecar.Components.Keys;

namespace Sidecar.Components.Tandem;

/// <summary>
/// Collects changes of a configuration table and hands them to one handler, one call at a time. While a call runs, later
/// changes of a key replace earlier ones, so that a slow handler costs no more memory than there are keys.
/// </summary>
internal sealed class ConfigurationSubscription : IAsyncDisposable
{
    private static readonly ConfigurationItem Deleted = new("", "", ComponentMetadata.Empty);
    private readonly KeyTable _table;
    private readonly HashSet<string> _keys;
    private readonly Func<IReadOnlyDictionary<string, ConfigurationItem>, CancellationToken, Task> _handler;
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(1);
    private readonly CancellationTokenSource _stopping;
    private readonly Lock _gate = new();
    private readonly Task _pump;
    private Dictionary<string, ConfigurationItem> _pending = new(StringComparer.Ordinal);

    public ConfigurationSubscription(
        KeyTable table,
        IReadOnlyList<string> keys,
        Func<IReadOnlyDictionary<string, ConfigurationItem>, CancellationToken, Task> handler,
        CancellationToken cancellationToken)
    {
        _table = table;
        _keys = new HashSet<string>(keys, StringComparer.Ordinal);
        _handler = handler;
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _table.Changed += OnChanged;
        _pump = PumpAsync(_stopping.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _table.Changed -= OnChanged;
        await _stopping.CancelAsync();
        await _pump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private void OnChanged(string key, KeyEntry? entry)
    {
        if (_keys.Count > 0 && !_keys.Contains(key))
        {
            return;
        }

        lock (_gate)
        {
            _pending[key] = entry is null ? Deleted : TandemConfigurationStore.Decode(entry);
        }

        _signal.Writer.TryWrite(true);
    }

    private async Task PumpAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await _signal.Reader.ReadAsync(cancellationToken);
                await NotifyAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private async Task NotifyAsync(CancellationToken cancellationToken)
    {
        Dictionary<string, ConfigurationItem> changed;
        lock (_gate)
        {
            (changed, _pending) = (_pending, new Dictionary<string, ConfigurationItem>(StringComparer.Ordinal));
        }

        if (changed.Count == 0)
        {
            return;
        }

        try
        {
            await _handler(changed, cancellationToken);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The runtime reports what its subscriber did wrong; the next change is delivered all the same.
        }
    }
}
