using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;

namespace Sidecar.Runtime.Configuration;

/// <summary>
/// Configuration of one app instance (dapr-http §8). Its subscriptions end when the app unsubscribes, when the app is gone (or
/// its stream) and when the sidecar stops.
/// </summary>
public sealed class ConfigurationService(AppInstance app, ILoggerFactory loggers)
{
    private readonly ILogger _logger = loggers.CreateLogger<ConfigurationService>();
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Store, string Id), IConfigurationSubscription> _subscriptions = [];
    private bool _stopped;

    /// <summary>The items of the keys, or all; ERR_CONFIGURATION_GET 500 when the store fails.</summary>
    public async Task<IReadOnlyDictionary<string, ConfigurationItem>> GetAsync(
        string store, IReadOnlyList<string> keys, ComponentMetadata metadata, CancellationToken cancellationToken)
    {
        try
        {
            var source = Find(store);
            return await app.Resiliency.ForOutbound(store, "Configuration").ExecuteAsync(
                token => source.GetAsync(keys, metadata, token).AsTask(), _ => default, _ => true, app.Time, cancellationToken);
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or DaprErrorException))
        {
            throw Failed("GET", $"failed to get {Names(keys)} from Configuration store {store}: {exception.Message}", exception);
        }
    }

    /// <summary>Begins to post changes of the keys, or of all, to the app; the result is the id. Needs an app to post to.</summary>
    public async Task<string> SubscribeAsync(
        string store, IReadOnlyList<string> keys, ComponentMetadata metadata, CancellationToken cancellationToken)
    {
        var source = Find(store);
        if (app.Instance.AppPort is null)
        {
            throw new DaprErrorException(
                500, "ERR_APP_CHANNEL_NIL", "app channel is not initialized. cannot subscribe to configuration updates");
        }

        var subscription = new ConfigurationSubscription(app, store, _logger);
        await StartAsync(subscription, source, store, keys, metadata, cancellationToken);
        return subscription.Id;
    }

    /// <summary>Begins to collect changes of the keys, or of all, for the caller's stream, who closes it with <see cref="CloseAsync"/>.</summary>
    public async Task<ConfigurationStream> OpenStreamAsync(
        string store, IReadOnlyList<string> keys, ComponentMetadata metadata, CancellationToken cancellationToken)
    {
        var stream = new ConfigurationStream();
        await StartAsync(stream, Find(store), store, keys, metadata, cancellationToken);
        return stream;
    }

    /// <summary>Ends a stream, also one that has been unsubscribed meanwhile.</summary>
    public Task CloseAsync(string store, ConfigurationStream stream)
    {
        IConfigurationSubscription? open;
        lock (_gate)
        {
            _subscriptions.Remove((store, stream.Id), out open);
        }

        return open?.EndAsync(TimeSpan.Zero) ?? Task.CompletedTask;
    }

    /// <summary>
    /// Ends a subscription of this app instance. A delivery that runs may finish and is not waited for, since the call may come from its handler.
    /// </summary>
    public void Unsubscribe(string store, string id)
    {
        Find(store);
        IConfigurationSubscription? subscription;
        lock (_gate)
        {
            _subscriptions.Remove((store, id), out subscription);
        }

        if (subscription is null)
        {
            throw Failed("UNSUBSCRIBE", $"subscription with id {id} does not exist");
        }

        _ = subscription.EndAsync(app.Timeouts.Configuration);
    }

    /// <summary>Writes items as the API has them: <c>{"key":{"value","version","metadata"}}</c>.</summary>
    public static void Write(Utf8JsonWriter writer, IEnumerable<KeyValuePair<string, ConfigurationItem>> items)
    {
        writer.WriteStartObject();
        foreach (var (key, item) in items)
        {
            writer.WriteStartObject(key);
            writer.WriteString("value", item.Value);
            writer.WriteString("version", item.Version);
            writer.WriteStartObject("metadata");
            foreach (var (name, value) in item.Metadata)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    /// <summary>The app is gone, and with it whoever asked.</summary>
    internal Task EndAllAsync(TimeSpan drainTimeout) => EndAsync(subscription => subscription.EndsWithApp, drainTimeout);

    /// <summary>Ends all and takes no more; deliveries that run may finish within the time.</summary>
    internal Task StopAsync(TimeSpan drainTimeout)
    {
        lock (_gate)
        {
            _stopped = true;
        }

        return EndAsync(_ => true, drainTimeout);
    }

    private async Task StartAsync(
        IConfigurationSubscription subscription, IConfigurationStore source, string store, IReadOnlyList<string> keys, ComponentMetadata metadata,
        CancellationToken cancellationToken)
    {
        try
        {
            await subscription.StartAsync(source, keys, metadata, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw Failed("SUBSCRIBE", $"failed to subscribe {Names(keys)} from Configuration store {store}: {exception.Message}", exception);
        }

        if (!TryAdd(store, subscription))
        {
            await subscription.EndAsync(TimeSpan.Zero);
            throw Failed("SUBSCRIBE", $"failed to subscribe {Names(keys)} from Configuration store {store}: the sidecar stops");
        }
    }

    private Task EndAsync(Func<IConfigurationSubscription, bool> which, TimeSpan drainTimeout)
    {
        KeyValuePair<(string, string), IConfigurationSubscription>[] ended;
        lock (_gate)
        {
            ended = [.. _subscriptions.Where(entry => which(entry.Value))];
            foreach (var (key, _) in ended)
            {
                _subscriptions.Remove(key);
            }
        }

        return Task.WhenAll(ended.Select(entry => entry.Value.EndAsync(drainTimeout)));
    }

    private bool TryAdd(string store, IConfigurationSubscription subscription)
    {
        lock (_gate)
        {
            return !_stopped && _subscriptions.TryAdd((store, subscription.Id), subscription);
        }
    }

    private IConfigurationStore Find(string name) => app.Components.Find<IConfigurationStore>(name) ?? throw (app.Components.Any<IConfigurationStore>()
        ? new DaprErrorException(400, "ERR_CONFIGURATION_STORE_NOT_FOUND", $"error configuration stores {name} not found{app.Components.WhyMissing(name)}")
        : new DaprErrorException(500, "ERR_CONFIGURATION_STORE_NOT_CONFIGURED", $"configuration stores not configured{app.Components.WhyMissing(name)}"));

    private static string Names(IReadOnlyList<string> keys) => $"[{string.Join(' ', keys)}]";

    private static DaprErrorException Failed(string operation, string message, Exception? exception = null) =>
        new(500, $"ERR_CONFIGURATION_{operation}", message, innerException: exception);
}
