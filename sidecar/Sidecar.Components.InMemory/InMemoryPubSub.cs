using Sidecar.Abstractions;
using Sidecar.Components.Broker;

namespace Sidecar.Components.InMemory;

/// <summary>
/// <c>pubsub.in-memory</c>: the semantics of <c>pubsub.tandem</c> without the file. Shared by all instances with one
/// component name; a restart of the process forgets everything. Metadata: see <see cref="BrokerPolicy"/>, and
/// <c>consumerID</c> (default: the app id).
/// </summary>
internal sealed class InMemoryPubSub(ComponentContext context, MessageBroker broker) : IPubSub, IBacklog
{
    private string _consumerId = context.AppId;

    public PubSubFeatures Features => PubSubFeatures.MessageTtl | PubSubFeatures.BulkPublish;

    public int MaxHandlers => broker.Policy.MaxHandlers;

    public TimeSpan ProcessingTimeout => broker.Policy.ProcessingTimeout;

    public Task InitAsync(CancellationToken cancellationToken)
    {
        broker.Configure(BrokerPolicy.Parse(context.Metadata));
        _consumerId = context.Metadata["consumerID"] is { Length: > 0 } id ? id : context.AppId;
        return Task.CompletedTask;
    }

    public ValueTask PublishAsync(string topic, OutgoingMessage message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var target = broker.Topic(topic);
        target.CheckBacklog();
        target.Publish([TopicEntry.From(message, broker.Time.GetUtcNow().Ticks)]);
        return ValueTask.CompletedTask;
    }

    public ValueTask<IReadOnlyList<Exception?>> PublishManyAsync(
        string topic, IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var target = broker.Topic(topic);
        target.CheckBacklog();
        target.Publish(TopicEntry.FromMany(messages, broker.Time.GetUtcNow().Ticks, out var errors));
        return new(errors);
    }

    public Task<IAsyncDisposable> SubscribeAsync(SubscriptionRequest request, CancellationToken cancellationToken)
    {
        var topic = broker.Topic(request.Topic);
        var group = topic.Group(_consumerId, broker.Policy.Ephemeral, acknowledgedThrough: 0);
        return Task.FromResult<IAsyncDisposable>(new GroupSubscription(topic, group, request, cancellationToken));
    }

    public IReadOnlyList<GroupBacklog> Backlog() => [.. broker.Topics.SelectMany(topic => topic.Backlog())];

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
