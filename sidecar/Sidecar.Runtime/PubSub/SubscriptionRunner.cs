using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Runtime.App;
using Sidecar.Runtime.Diagnostics;
using Sidecar.Runtime.Expressions;
using Sidecar.Runtime.Loading;
using Sidecar.Runtime.Resiliency;

namespace Sidecar.Runtime.PubSub;

/// <summary>What the app made of a delivery.</summary>
internal enum DeliveryResult
{
    Success,
    Retry,
    Drop,
}

/// <summary>
/// One subscription of one app instance (dapr-http §3.4):
/// 1. the broker hands over a message, 2. its envelope is read and its route found, 3. it is posted to the app under the
/// component's inbound policy, 4. success and drop are acknowledged, 5. what failed for good goes to the dead-letter topic;
/// without one, or when that publish fails, the broker's own rule for failed messages applies.
/// An attempt that takes longer than the broker's <see cref="IPubSub.ProcessingTimeout"/> has failed. When the app is gone the
/// message goes back to the group at once.
/// </summary>
public sealed partial class SubscriptionRunner
{
    private static readonly TimeSpan DeadLetterTimeout = TimeSpan.FromSeconds(30);
    private const int MaxReasonLength = 500;

    private readonly AppInstance _app;
    private readonly SubscriptionManifest _subscription;
    private readonly IPubSub _broker;
    private readonly ILogger _logger;
    private readonly ExecutionPolicy _policy;
    private readonly bool _rawPayload;
    private readonly (CelExpression? Match, Uri Address)[] _routes;

    private SubscriptionRunner(AppInstance app, SubscriptionManifest subscription, IPubSub broker, ILogger logger)
    {
        _app = app;
        _subscription = subscription;
        _broker = broker;
        _logger = logger;
        _policy = app.Resiliency.ForInbound(subscription.PubSubName, "Pubsub").Within(broker.ProcessingTimeout);
        _rawPayload = subscription.Metadata.TryGetValue("rawPayload", out var raw) && raw == "true";
        _routes = [.. subscription.Rules.Select(rule => (
            rule.Match is { Length: > 0 } match ? CelExpression.Compile(match, "event") : null,
            new Uri(app.Channel.Address, rule.Path.StartsWith('/') ? rule.Path : "/" + rule.Path)))];
    }

    /// <summary>Starts the subscription; null, with a logged reason, when it cannot be.</summary>
    public static async Task<IAsyncDisposable?> StartAsync(AppInstance app, SubscriptionManifest subscription, ILogger logger, CancellationToken cancellationToken)
    {
        var problem = app.Components.Find<IPubSub>(subscription.PubSubName) is not { } broker ? $"there is no such pub/sub component in its scope{app.Components.WhyMissing(subscription.PubSubName)}"
            : !TopicScopes.MaySubscribe(app.Components.Metadata(subscription.PubSubName), app.Instance.AppId, subscription.Topic) ? "the component's scopes forbid the topic"
            : null;
        if (problem is null)
        {
            try
            {
                broker = app.Components.Find<IPubSub>(subscription.PubSubName)!;
                var runner = new SubscriptionRunner(app, subscription, broker, logger);
                var metadata = new ComponentMetadata(subscription.Metadata);
                var handle = subscription.Bulk is { } bulk
                    ? await BulkDelivery.SubscribeAsync(broker, subscription.Topic, metadata, bulk, runner.HandleManyAsync, app.Time, cancellationToken)
                    : await broker.SubscribeAsync(new SubscriptionRequest(subscription.Topic, metadata, runner.HandleAsync), cancellationToken);
                LogStarted(logger, app.Instance.AppId, app.Instance.Index, subscription.PubSubName, subscription.Topic);
                return handle;
            }
            catch (FormatException exception)
            {
                problem = exception.Message;
            }
        }

        LogRefused(logger, app.Instance.AppId, subscription.PubSubName, subscription.Topic, problem);
        return null;
    }

    private async Task HandleAsync(IncomingMessage message, CancellationToken cancellationToken)
    {
        // 2. Envelope and route.
        if (!TryOpen(message, out var envelope))
        {
            await DeadLetterAsync(message, "the payload is no CloudEvent", mustSucceed: true, cancellationToken);
            return;
        }

        using (envelope.Document)
        {
            if (envelope.ExpiresAt <= _app.Time.GetUtcNow() || Route(envelope.Document.RootElement) is not { } address)
            {
                await DeadLetterAsync(message, "expired, or no rule matches", mustSucceed: false, cancellationToken);
                return;
            }

            // 3. Delivery.
            Delivery delivery;
            var began = Stopwatch.GetTimestamp();
            try
            {
                delivery = await _policy.ExecuteAsync(
                    token => DeliverAsync(address, message, envelope, token),
                    static result => new AttemptOutcome(result.Result == DeliveryResult.Retry, result.StatusCode),
                    static exception => exception is not AppUnreachableException, _app.Time, cancellationToken);
            }
            catch (AppUnreachableException exception)
            {
                throw new MessageReturnedException(exception.Message);
            }
            catch (Exception exception) when (exception is not OperationCanceledException && cancellationToken.IsCancellationRequested)
            {
                // The app went away, or the sidecar stops: whatever the broken call said of it, the message has not failed.
                throw new MessageReturnedException(exception.Message);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                delivery = new Delivery(DeliveryResult.Retry, null, exception.Message);
            }

            _app.Metrics?.Ingress.Add(began, _subscription.PubSubName, _subscription.Topic, delivery.Result switch
            {
                DeliveryResult.Success => "success",
                DeliveryResult.Drop => "drop",
                _ => "retry",
            });

            // 4. and 5.
            switch (delivery.Result)
            {
                case DeliveryResult.Drop:
                    await DeadLetterAsync(message, delivery.Reason, mustSucceed: false, cancellationToken);
                    break;
                case DeliveryResult.Retry:
                    await DeadLetterAsync(message, delivery.Reason, mustSucceed: true, cancellationToken);
                    break;
            }
        }
    }

    private async Task<Delivery> DeliverAsync(Uri address, IncomingMessage message, Envelope envelope, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ReadOnlyMemoryContent(envelope.Bytes) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(CloudEventEnvelope.ContentType);
        foreach (var (name, value) in message.Metadata)
        {
            if (!name.Equals("content-length", StringComparison.OrdinalIgnoreCase) && !name.Equals("content-type", StringComparison.OrdinalIgnoreCase))
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        if (envelope.TraceParent is { Length: > 0 } traceParent)
        {
            request.Headers.Remove("traceparent");
            request.Headers.TryAddWithoutValidation("traceparent", traceParent);
        }

        request.Options.Set(AppTracing.SpanName, $"pubsub/{_subscription.Topic}");
        using var response = await _app.Channel.SendAsync(request, cancellationToken);
        var status = (int)response.StatusCode;
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return new Delivery(DeliveryResult.Drop, status, "the app answered 404");
        }

        if (!response.IsSuccessStatusCode)
        {
            return new Delivery(DeliveryResult.Retry, status, $"the app answered {status}{await ProblemAsync(response, cancellationToken)}");
        }

        return ReadStatus(await _app.Channel.ReadAsync(response, cancellationToken)) switch
        {
            null or "" or "SUCCESS" => new Delivery(DeliveryResult.Success, status, ""),
            "DROP" => new Delivery(DeliveryResult.Drop, status, "the app answered DROP"),
            var other => new Delivery(DeliveryResult.Retry, null, $"the app answered {other}"),
        };
    }

    /// <summary>Delivers a batch that the broker handed over one by one; the result names the messages that failed.</summary>
    private async Task<IReadOnlyList<Exception?>> HandleManyAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken cancellationToken)
    {
        var outcomes = new Exception?[messages.Count];
        var opened = new List<(int Index, Envelope Envelope, Uri Address)>();
        for (var index = 0; index < messages.Count; index++)
        {
            if (!TryOpen(messages[index], out var envelope))
            {
                outcomes[index] = await SettleAsync(messages[index], "the payload is no CloudEvent", mustSucceed: true, cancellationToken);
            }
            else if (envelope.ExpiresAt > _app.Time.GetUtcNow() && Route(envelope.Document.RootElement) is { } address)
            {
                opened.Add((index, envelope, address));
            }
            else
            {
                envelope.Document.Dispose();
                outcomes[index] = await SettleAsync(messages[index], "expired, or no rule matches", mustSucceed: false, cancellationToken);
            }
        }

        foreach (var group in opened.GroupBy(entry => entry.Address))
        {
            var pending = group.ToList();
            try
            {
                await _policy.ExecuteAsync(
                    async token =>
                    {
                        var statuses = await BulkDelivery.PostAsync(_app, _subscription, group.Key, [.. pending.Select(entry => (messages[entry.Index], entry.Envelope.Bytes, _rawPayload))], token);
                        for (var position = pending.Count - 1; position >= 0; position--)
                        {
                            var index = pending[position].Index;
                            if (statuses[position] == DeliveryResult.Drop)
                            {
                                outcomes[index] = await SettleAsync(messages[index], "the app answered DROP", mustSucceed: false, token);
                            }

                            if (statuses[position] != DeliveryResult.Retry)
                            {
                                pending.RemoveAt(position);
                            }
                        }

                        return pending.Count;
                    },
                    static left => new AttemptOutcome(left > 0, null), static exception => exception is not AppUnreachableException, _app.Time, cancellationToken);
            }
            catch (AppUnreachableException exception)
            {
                foreach (var entry in pending)
                {
                    outcomes[entry.Index] = new MessageReturnedException(exception.Message);
                }

                continue;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogDeliveryFailed(_logger, _app.Instance.AppId, _subscription.Topic, "(bulk)", exception.Message, messages.Max(message => message.DeliveryAttempt));
            }

            foreach (var entry in pending)
            {
                outcomes[entry.Index] = await SettleAsync(messages[entry.Index], "the app did not take it", mustSucceed: true, cancellationToken);
            }
        }

        foreach (var entry in opened)
        {
            entry.Envelope.Document.Dispose();
        }

        return outcomes;
    }

    private async Task<Exception?> SettleAsync(IncomingMessage message, string reason, bool mustSucceed, CancellationToken cancellationToken)
    {
        try
        {
            await DeadLetterAsync(message, reason, mustSucceed, cancellationToken);
            return null;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            return exception;
        }
    }

    /// <summary>
    /// Moves a message to the dead-letter topic. Where there is none, a message that <paramref name="mustSucceed"/> is given back to
    /// the broker as failed, and any other is acknowledged.
    /// </summary>
    private async Task DeadLetterAsync(IncomingMessage message, string reason, bool mustSucceed, CancellationToken cancellationToken)
    {
        LogDeliveryFailed(_logger, _app.Instance.AppId, _subscription.Topic, message.Id, reason, message.DeliveryAttempt);
        if (_subscription.DeadLetterTopic is not { } deadLetterTopic)
        {
            if (mustSucceed)
            {
                throw new InvalidOperationException(reason);
            }

            return;
        }

        using var deadline = new CancellationTokenSource(DeadLetterTimeout, _app.Time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        await _app.Publisher.PublishDeadLetterAsync(_broker, deadLetterTopic, WithReason(message, reason), message.Metadata, limit.Token);
        LogDeadLetter(_logger, _app.Instance.AppId, message.Id, deadLetterTopic);
    }

    /// <summary>The envelope with the reason, so that whoever reads it knows; what is no envelope stays as it is.</summary>
    private ReadOnlyMemory<byte> WithReason(IncomingMessage message, string reason)
    {
        if (_rawPayload || !TryOpen(message, out var envelope))
        {
            return message.Data;
        }

        envelope.Document.Dispose();
        return CloudEventEnvelope.With(message.Data, new Dictionary<string, string?>
        {
            [CloudEventEnvelope.DeadLetterReason] = reason.Length > MaxReasonLength ? reason[..MaxReasonLength] : reason,
        });
    }

    private Uri? Route(JsonElement envelope)
    {
        foreach (var (match, address) in _routes)
        {
            if (match is null || match.IsTrue(("event", envelope)))
            {
                return address;
            }
        }

        return null;
    }

    private bool TryOpen(IncomingMessage message, out Envelope envelope)
    {
        var bytes = message.Data;
        if (_rawPayload)
        {
            bytes = RawEnvelope.Create(message, _subscription, _app.Time);
        }

        try
        {
            var document = JsonDocument.Parse(bytes, CloudEventEnvelope.Reading);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                var root = document.RootElement;
                var expires = Text(root, "expiration") is { Length: > 0 } text
                    && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : DateTimeOffset.MaxValue;
                envelope = new Envelope(document, bytes, Text(root, "traceparent") ?? Text(root, "traceid"), expires);
                return true;
            }

            document.Dispose();
        }
        catch (JsonException)
        {
            // Not JSON: reported by the caller.
        }

        envelope = default;
        return false;
    }

    /// <summary>What an app says of its failure in a problem (RFC 9457).</summary>
    private async Task<string> ProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType != "application/problem+json")
        {
            return "";
        }

        try
        {
            using var document = JsonDocument.Parse(await _app.Channel.ReadAsync(response, cancellationToken));
            return document.RootElement.ValueKind == JsonValueKind.Object
                && (Text(document.RootElement, "detail") ?? Text(document.RootElement, "title")) is { Length: > 0 } problem ? $": {problem}" : "";
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private static string? ReadStatus(byte[] body)
    {
        if (body.Length == 0)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object ? Text(document.RootElement, "status") : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private readonly record struct Envelope(JsonDocument Document, ReadOnlyMemory<byte> Bytes, string? TraceParent, DateTimeOffset ExpiresAt);

    private readonly record struct Delivery(DeliveryResult Result, int? StatusCode, string Reason);

    [LoggerMessage(3002, LogLevel.Information, "{AppId} #{Index}: subscribed to {PubSub}/{Topic}")]
    private static partial void LogStarted(ILogger logger, string appId, int index, string pubSub, string topic);

    [LoggerMessage(3003, LogLevel.Error, "{AppId}: cannot subscribe to {PubSub}/{Topic}: {Problem}")]
    private static partial void LogRefused(ILogger logger, string appId, string pubSub, string topic, string problem);

    [LoggerMessage(3004, LogLevel.Warning, "{AppId}: message {Id} of {Topic} was not handled: {Reason} (delivery {Delivery})")]
    private static partial void LogDeliveryFailed(ILogger logger, string appId, string topic, string id, string reason, int delivery);

    [LoggerMessage(3005, LogLevel.Warning, "{AppId}: message {Id} is in dead-letter topic {Topic}")]
    private static partial void LogDeadLetter(ILogger logger, string appId, string id, string topic);
}
