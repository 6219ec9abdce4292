using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Runtime.Resiliency;

namespace Sidecar.Runtime.Configuration;

/// <summary>
/// One subscription of one app instance (dapr-http §8): <c>POST /configuration/{store}/{key}</c> with
/// <c>{"id":"…","items":{"key":{…}}}</c>, once per change. Each key goes its own way, so that one that the app does not take holds
/// up no other: its newest value is posted until the app answers 2xx, values that became old meanwhile are left out, and memory
/// is bounded by the number of keys.
/// </summary>
internal sealed partial class ConfigurationSubscription : IConfigurationSubscription
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(5);

    private readonly AppInstance _app;
    private readonly string _store;
    private readonly ILogger _logger;
    private readonly RetryPolicy? _pauses;
    private readonly ExecutionPolicy _attempt;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Delivery> _deliveries = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationTokenSource _aborted = new();
    private IAsyncDisposable? _source;

    public ConfigurationSubscription(AppInstance app, string store, ILogger logger)
    {
        _app = app;
        _store = store;
        _logger = logger;
        // Retries are made here, where the newest value is known; the policy says how far apart they are.
        var policy = app.Resiliency.ForInbound(store, "Configuration");
        _pauses = policy.Retry;
        _attempt = policy with { Retry = null, Timeout = policy.Timeout ?? app.Timeouts.Configuration };
    }

    public string Id { get; } = Guid.NewGuid().ToString();

    public bool EndsWithApp => true;

    public async Task StartAsync(
        IConfigurationStore store, IReadOnlyList<string> keys, ComponentMetadata metadata, CancellationToken cancellationToken) =>
        _source = await store.SubscribeAsync(keys, metadata, OnChanged, cancellationToken);

    public async Task EndAsync(TimeSpan drainTimeout)
    {
        await _ended.CancelAsync();
        _aborted.CancelAfter(drainTimeout);
        await _source!.DisposeAsync();
        Task[] running;
        lock (_gate)
        {
            running = [.. _deliveries.Values.Select(delivery => delivery.Running)];
        }

        await Task.WhenAll(running);
    }

    // On the store's own thread, in the order of the changes.
    private void OnChanged(string key, ConfigurationItem item)
    {
        lock (_gate)
        {
            if (_deliveries.TryGetValue(key, out var delivery))
            {
                delivery.Newest = item;
                return;
            }

            delivery = new Delivery { Newest = item };
            _deliveries.Add(key, delivery);
            delivery.Running = Task.Run(() => DeliverAsync(key, delivery));
        }
    }

    private async Task DeliverAsync(string key, Delivery delivery)
    {
        for (var failures = 0; !_ended.IsCancellationRequested;)
        {
            var item = delivery.Newest;
            var problem = await TryPostAsync(key, item);
            if (problem is null)
            {
                failures = 0;
                lock (_gate)
                {
                    if (ReferenceEquals(delivery.Newest, item))
                    {
                        _deliveries.Remove(key);
                        return;
                    }
                }

                continue;
            }

            if (failures++ == 0 && !_ended.IsCancellationRequested)
            {
                LogNotTaken(_logger, _app.Instance.AppId, _app.Instance.Index, _store, key, problem);
            }

            await Task.Delay(Pause(failures), _app.Time, _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One attempt; the result is null, or why the app did not take it.</summary>
    private async Task<string?> TryPostAsync(string key, ConfigurationItem item)
    {
        try
        {
            var status = await _attempt.ExecuteAsync(
                token => PostAsync(key, item, token), static status => new AttemptOutcome(status is < 200 or > 299, status), static _ => true,
                _app.Time, _aborted.Token);
            return status is >= 200 and <= 299 ? null : $"the app answered {status}";
        }
        catch (Exception exception)
        {
            return exception.Message;
        }
    }

    private async Task<int> PostAsync(string key, ConfigurationItem item, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>();
        await using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            writer.WriteString("id", Id);
            writer.WritePropertyName("items");
            ConfigurationService.Write(writer, [KeyValuePair.Create(key, item)]);
            writer.WriteEndObject();
        }

        // As daprd writes it: a slash in a key stays one.
        var path = string.Join('/', key.Split('/').Select(Uri.EscapeDataString));
        using var request = new HttpRequestMessage(
            HttpMethod.Post, new Uri(_app.Channel.Address, $"/configuration/{Uri.EscapeDataString(_store)}/{path}"))
        {
            Content = new ReadOnlyMemoryContent(body.WrittenMemory),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await _app.Channel.SendAsync(request, cancellationToken);
        return (int)response.StatusCode;
    }

    private TimeSpan Pause(int failures) => _pauses?.Delay(failures, TimeSpan.Zero)
        ?? TimeSpan.FromTicks(Math.Min(FirstPause.Ticks << Math.Min(failures - 1, 10), MaxPause.Ticks));

    [LoggerMessage(2301, LogLevel.Warning, "{AppId} #{Index}: the change of {Store}/{Key} was not taken: {Reason}; it is posted until it is")]
    private static partial void LogNotTaken(ILogger logger, string appId, int index, string store, string key, string reason);

    private sealed class Delivery
    {
        private volatile ConfigurationItem? _newest;

        public required ConfigurationItem Newest
        {
            get => _newest!;
            set => _newest = value;
        }

        public Task Running { get; set; } = Task.CompletedTask;
    }
}
