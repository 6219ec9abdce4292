using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Threading.Channels;
using Sidecar.Abstractions;
using Sidecar.Runtime.Diagnostics;
using Sidecar.Runtime.Loading;

namespace Sidecar.Runtime.PubSub;

/// <summary>Bulk subscriptions (dapr-http §3.5): messages that the broker hands over one by one are gathered and posted together.</summary>
internal static class BulkDelivery
{
    /// <summary>
    /// Subscribes so that the handler gets batches, at most as large and as late as the settings say. A batch of as many messages as the
    /// broker hands over at a time is complete: no other comes while these wait.
    /// </summary>
    public static async Task<IAsyncDisposable> SubscribeAsync(
        IPubSub broker, string topic, ComponentMetadata metadata, BulkSubscribe settings,
        Func<IReadOnlyList<IncomingMessage>, CancellationToken, Task<IReadOnlyList<Exception?>>> handler, TimeProvider time, CancellationToken cancellationToken)
    {
        var size = Math.Min(settings.MaxMessagesCount, broker.MaxHandlers);
        var waiting = Channel.CreateBounded<(IncomingMessage Message, TaskCompletionSource Done)>(size);
        var stop = new CancellationTokenSource();
        var loop = LoopAsync();
        var subscription = await broker.SubscribeAsync(new SubscriptionRequest(topic, metadata, EnqueueAsync), cancellationToken);
        return new Handle(subscription, stop, loop);

        async Task EnqueueAsync(IncomingMessage message, CancellationToken token)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await waiting.Writer.WriteAsync((message, done), token);
            await done.Task.WaitAsync(token);
        }

        async Task LoopAsync()
        {
            var batch = new List<(IncomingMessage Message, TaskCompletionSource Done)>(size);
            try
            {
                while (await waiting.Reader.WaitToReadAsync(stop.Token))
                {
                    batch.Clear();
                    using var deadline = new CancellationTokenSource(settings.MaxAwaitDuration, time);
                    using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, deadline.Token);
                    try
                    {
                        while (batch.Count < size)
                        {
                            batch.Add(await waiting.Reader.ReadAsync(limit.Token));
                        }
                    }
                    catch (OperationCanceledException) when (!stop.IsCancellationRequested)
                    {
                        // The time is up: what there is, is the batch.
                    }

                    var outcomes = await handler([.. batch.Select(entry => entry.Message)], stop.Token);
                    for (var index = 0; index < batch.Count; index++)
                    {
                        if (outcomes[index] is { } failure)
                        {
                            batch[index].Done.TrySetException(failure);
                        }
                        else
                        {
                            batch[index].Done.TrySetResult();
                        }
                    }
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                foreach (var (_, done) in batch)
                {
                    done.TrySetCanceled(stop.Token);
                }
            }
        }
    }

    /// <summary>Posts one batch to the app and reads what became of each entry.</summary>
    public static async Task<IReadOnlyList<DeliveryResult>> PostAsync(
        AppInstance app, SubscriptionManifest subscription, Uri address, IReadOnlyList<(IncomingMessage Message, ReadOnlyMemory<byte> Envelope, bool Raw)> entries,
        CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ReadOnlyMemoryContent(Body(subscription, entries)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Options.Set(AppTracing.SpanName, $"pubsub/{subscription.Topic}");
        using var response = await app.Channel.SendAsync(request, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return [.. entries.Select(_ => DeliveryResult.Drop)];
        }

        var statuses = response.IsSuccessStatusCode ? Statuses(await app.Channel.ReadAsync(response, cancellationToken)) : [];
        return [.. entries.Select(entry => statuses.GetValueOrDefault(entry.Message.Id) switch
        {
            "SUCCESS" => DeliveryResult.Success,
            "DROP" => DeliveryResult.Drop,
            _ => DeliveryResult.Retry,
        })];
    }

    private static ReadOnlyMemory<byte> Body(SubscriptionManifest subscription, IReadOnlyList<(IncomingMessage Message, ReadOnlyMemory<byte> Envelope, bool Raw)> entries)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("id", Guid.NewGuid());
            writer.WriteString("type", "com.dapr.event.sent.bulk");
            writer.WriteString("topic", subscription.Topic);
            writer.WriteString("pubsubname", subscription.PubSubName);
            writer.WriteStartObject("metadata");
            writer.WriteString("pubsubName", subscription.PubSubName);
            writer.WriteEndObject();
            writer.WriteStartArray("entries");
            foreach (var (message, envelope, raw) in entries)
            {
                writer.WriteStartObject();
                writer.WriteString("entryId", message.Id);
                if (raw)
                {
                    writer.WriteBase64String("event", message.Data.Span);
                }
                else
                {
                    writer.WritePropertyName("event");
                    writer.WriteRawValue(envelope.Span, skipInputValidation: true);
                }

                writer.WriteStartObject("metadata");
                foreach (var (name, value) in message.Metadata)
                {
                    writer.WriteString(name, value);
                }

                writer.WriteEndObject();
                writer.WriteString("contentType", raw ? "application/octet-stream" : CloudEventEnvelope.ContentType);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private static Dictionary<string, string> Statuses(byte[] body)
    {
        var statuses = new Dictionary<string, string>();
        try
        {
            using var document = JsonDocument.Parse(body);
            foreach (var status in document.RootElement.GetProperty("statuses").EnumerateArray())
            {
                statuses[status.GetProperty("entryId").GetString()!] = status.GetProperty("status").GetString()!;
            }
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // An answer that cannot be read means: retry all of them.
        }

        return statuses;
    }

    private sealed class Handle(IAsyncDisposable subscription, CancellationTokenSource stop, Task loop) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            // The intake first: handlers that run wait for the loop, which must still post their batch.
            await subscription.DisposeAsync();
            await stop.CancelAsync();
            await loop;
            stop.Dispose();
        }
    }
}
