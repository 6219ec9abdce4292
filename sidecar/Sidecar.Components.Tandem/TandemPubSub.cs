using Sidecar.Abstractions;
using Sidecar.Components.Broker;

namespace Sidecar.Components.Tandem;

/// <summary>
/// <c>pubsub.tandem</c>: topics with the semantics of Redis streams. Metadata: <see cref="BrokerPolicy"/>; <c>consumerID</c>
/// (default: the app id) names the group; <c>durable</c> (default true, with <c>ephemeral</c> false): "false" keeps messages
/// and groups in memory only, no publish waits for the disk and a restart of the sidecar forgets them.
/// </summary>
internal sealed class TandemPubSub(ComponentContext context) : TandemComponent(context), IPubSub, IBacklog
{
    private MessageBroker _broker = null!;
    private string _consumerId = context.AppId;

    public PubSubFeatures Features => PubSubFeatures.MessageTtl | PubSubFeatures.BulkPublish;

    public int MaxHandlers => _broker.Policy.MaxHandlers;

    public TimeSpan ProcessingTimeout => _broker.Policy.ProcessingTimeout;

    public ValueTask PublishAsync(string topic, OutgoingMessage message, CancellationToken cancellationToken) =>
        AppendAsync(topic, [TopicEntry.From(message, Time.GetUtcNow().Ticks)], cancellationToken);

    public async ValueTask<IReadOnlyList<Exception?>> PublishManyAsync(
        string topic, IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken)
    {
        var entries = TopicEntry.FromMany(messages, Time.GetUtcNow().Ticks, out var errors);
        await AppendAsync(topic, entries, cancellationToken);
        return errors;
    }

    public async Task<IAsyncDisposable> SubscribeAsync(SubscriptionRequest request, CancellationToken cancellationToken)
    {
        var topic = _broker.Topic(request.Topic);
        var lasting = !_broker.Policy.Ephemeral;
        if (lasting && _broker.Journal is not null)
        {
            await Store.EnsureGroupAsync(topic, _consumerId, Durability, cancellationToken);
        }

        var group = topic.Group(_consumerId, !lasting, acknowledgedThrough: 0);
        return new GroupSubscription(topic, group, request, cancellationToken);
    }

    public IReadOnlyList<GroupBacklog> Backlog() => [.. _broker.Topics.SelectMany(topic => topic.Backlog())];

    private protected override ValueTask StartAsync(CancellationToken cancellationToken)
    {
        var policy = BrokerPolicy.Parse(Context.Metadata);
        _broker = Context.Metadata.Bool("durable", !policy.Ephemeral) ? Store.Broker(Context.Name) : Store.MemoryBroker(Context.Name);
        _broker.Configure(policy);
        _consumerId = Context.Metadata["consumerID"] is { Length: > 0 } id ? id : Context.AppId;
        return ValueTask.CompletedTask;
    }

    private ValueTask AppendAsync(string topic, TopicEntry[] entries, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var target = _broker.Topic(topic);
        target.CheckBacklog();
        if (_broker.Journal is not null)
        {
            return Store.PublishAsync(target, entries, Durability, cancellationToken);
        }

        target.Publish(entries);
        return ValueTask.CompletedTask;
    }
}
