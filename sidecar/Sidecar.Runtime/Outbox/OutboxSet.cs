using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;

namespace Sidecar.Runtime.Outbox;

/// <summary>The outboxes of the state stores of one app instance.</summary>
public sealed class OutboxSet(AppInstance app, ILoggerFactory loggers) : IAsyncDisposable
{
    private readonly Dictionary<string, StateOutbox> _outboxes = [];

    /// <summary>The outbox of a store, or null.</summary>
    public StateOutbox? Find(string store) => _outboxes.GetValueOrDefault(store);

    /// <summary>Begins to read the internal topics: before the first transaction, so that no broker drops a message for want of a reader.</summary>
    public async Task StartAsync(OutboxTransactions transactions, CancellationToken cancellationToken)
    {
        foreach (var (manifest, component) in app.Components.All)
        {
            if (component is IStateStore && OutboxSettings.Read(app.Components.Metadata(manifest.Name)) is { } settings)
            {
                var outbox = new StateOutbox(app, manifest.Name, settings, transactions, loggers.CreateLogger<StateOutbox>());
                _outboxes.Add(manifest.Name, outbox);
                await outbox.StartAsync(cancellationToken);
            }
        }
    }

    /// <summary>Reads nothing more.</summary>
    public Task StopAsync(TimeSpan drainTimeout) => Task.WhenAll(_outboxes.Values.Select(outbox => outbox.StopAsync(drainTimeout)));

    public async ValueTask DisposeAsync()
    {
        foreach (var outbox in _outboxes.Values)
        {
            await outbox.DisposeAsync();
        }
    }
}
