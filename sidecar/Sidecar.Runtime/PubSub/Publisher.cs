using System.Diagnostics;
using Sidecar.Abstractions;

namespace Sidecar.Runtime.PubSub;

/// <summary>An entry of a bulk publish.</summary>
public sealed record BulkEntry(string EntryId, ReadOnlyMemory<byte> Data, string? ContentType, ComponentMetadata Metadata);

/// <summary>The entries of a bulk publish that failed, and why when the call failed as a whole.</summary>
public sealed record BulkPublishOutcome(IReadOnlyList<(string EntryId, string Error)> Failed, DaprErrorException? Error);

/// <summary>Publishing of one app instance.</summary>
public sealed class Publisher(AppInstance app)
{
    /// <summary>Publishes one message; returns when the broker has it.</summary>
    public async Task PublishAsync(
        string pubSubName, string topic, ReadOnlyMemory<byte> data, string? contentType, ComponentMetadata metadata, string? traceParent,
        string? traceState, CancellationToken cancellationToken)
    {
        var broker = Broker(pubSubName, topic);
        await SendAsync(
            broker, pubSubName, topic, ToMessage(broker, pubSubName, topic, data, contentType, metadata, traceParent, traceState), cancellationToken);
    }

    /// <summary>Publishes an envelope as it is; returns when the broker has it.</summary>
    public Task PublishEnvelopeAsync(string pubSubName, string topic, ReadOnlyMemory<byte> envelope, CancellationToken cancellationToken) => SendAsync(
        Broker(pubSubName, topic), pubSubName, topic, new OutgoingMessage(envelope, CloudEventEnvelope.ContentType, ComponentMetadata.Empty), cancellationToken);

    private async Task SendAsync(IPubSub broker, string pubSubName, string topic, OutgoingMessage message, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            await app.Resiliency.ForOutbound(pubSubName, "Pubsub").ExecuteAsync(
                async token =>
                {
                    await broker.PublishAsync(topic, message, token);
                    return true;
                },
                _ => default, _ => true, app.Time, cancellationToken);
            app.Metrics?.Egress.Add(began, pubSubName, topic, "true");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            app.Metrics?.Egress.Add(began, pubSubName, topic, "false");
            throw PubSubErrors.PublishFailed(pubSubName, topic, exception);
        }
    }

    /// <summary>Publishes many messages; the result names the entries that failed, all of them with the error of a call that failed as a whole.</summary>
    public async Task<BulkPublishOutcome> PublishManyAsync(
        string pubSubName, string topic, IReadOnlyList<BulkEntry> entries, string? traceParent, string? traceState, CancellationToken cancellationToken)
    {
        var broker = Broker(pubSubName, topic);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        if (!entries.All(entry => entry.EntryId.Length > 0 && ids.Add(entry.EntryId)))
        {
            throw PubSubErrors.BadBulk("every entry needs an entryId of its own");
        }

        OutgoingMessage[] messages = [.. entries.Select(entry =>
            ToMessage(broker, pubSubName, topic, entry.Data, entry.ContentType, entry.Metadata, traceParent, traceState))];
        IReadOnlyList<Exception?> outcomes;
        var began = Stopwatch.GetTimestamp();
        try
        {
            outcomes = await app.Resiliency.ForOutbound(pubSubName, "Pubsub").ExecuteAsync(
                token => broker.PublishManyAsync(topic, messages, token).AsTask(), _ => default, _ => true, app.Time, cancellationToken);
            app.Metrics?.BulkEgress.Add(began, pubSubName, topic, "true");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            app.Metrics?.BulkEgress.Add(began, pubSubName, topic, "false");
            return new([.. entries.Select(entry => (entry.EntryId, exception.Message))], PubSubErrors.PublishFailed(pubSubName, topic, exception));
        }

        return new([.. entries.Zip(outcomes).Where(pair => pair.Second is not null).Select(pair => (pair.First.EntryId, pair.Second!.Message))], null);
    }

    /// <summary>Publishes the bytes of a message that could not be delivered.</summary>
    public ValueTask PublishDeadLetterAsync(IPubSub broker, string topic, ReadOnlyMemory<byte> data, ComponentMetadata metadata, CancellationToken cancellationToken) =>
        broker.PublishAsync(topic, new OutgoingMessage(data, CloudEventEnvelope.ContentType, metadata), cancellationToken);

    private IPubSub Broker(string pubSubName, string topic)
    {
        if (pubSubName.Length == 0)
        {
            throw PubSubErrors.NameEmpty();
        }

        var broker = app.Components.Find<IPubSub>(pubSubName)
            ?? throw (app.Components.Any<IPubSub>()
                ? PubSubErrors.NotFound(pubSubName, app.Components.WhyMissing(pubSubName))
                : PubSubErrors.NotConfigured(app.Instance.AppId, app.Components.WhyMissing(pubSubName)));
        if (topic.Length == 0)
        {
            throw PubSubErrors.TopicEmpty(pubSubName);
        }

        return TopicScopes.MayPublish(app.Components.Metadata(pubSubName), app.Instance.AppId, topic)
            ? broker
            : throw PubSubErrors.Forbidden(topic, app.Instance.AppId);
    }

    private static bool IsRaw(ComponentMetadata metadata)
    {
        try
        {
            return metadata.Bool("rawPayload", false);
        }
        catch (ComponentException exception)
        {
            throw PubSubErrors.BadMetadata(exception.Message);
        }
    }

    private OutgoingMessage ToMessage(
        IPubSub broker, string pubSubName, string topic, ReadOnlyMemory<byte> data, string? contentType, ComponentMetadata metadata,
        string? traceParent, string? traceState) => IsRaw(metadata)
        ? new OutgoingMessage(data, contentType, metadata)
        : new OutgoingMessage(
            CloudEventEnvelope.Create(
                data, contentType, topic, pubSubName, app.Instance.AppId, metadata, traceParent, traceState,
                broker.Features.HasFlag(PubSubFeatures.MessageTtl), app.Time),
            CloudEventEnvelope.ContentType, metadata);
}
