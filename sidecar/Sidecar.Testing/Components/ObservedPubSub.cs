using Sidecar.Abstractions;

namespace Sidecar.Testing.Components;

/// <summary>A broker whose messages are recorded and whose publishes and deliveries can fail.</summary>
internal class ObservedPubSub(IPubSub inner, ComponentContext context, Observation observation) : ObservedComponent(inner), IPubSub
{
    public PubSubFeatures Features => inner.Features;

    public int MaxHandlers => inner.MaxHandlers;

    public TimeSpan ProcessingTimeout => inner.ProcessingTimeout;

    public async ValueTask PublishAsync(string topic, OutgoingMessage message, CancellationToken cancellationToken) =>
        await observation.RunAsync(new PublishAttempt(context.AppId, context.Name, topic, [message]), async () =>
        {
            await inner.PublishAsync(topic, message, cancellationToken);
            Record(topic, message);
        }, cancellationToken);

    public async ValueTask<IReadOnlyList<Exception?>> PublishManyAsync(
        string topic, IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken)
    {
        IReadOnlyList<Exception?> errors = [];
        await observation.RunAsync(new PublishAttempt(context.AppId, context.Name, topic, messages), async () =>
        {
            errors = await inner.PublishManyAsync(topic, messages, cancellationToken);
            foreach (var (message, error) in messages.Zip(errors))
            {
                if (error is null)
                {
                    Record(topic, message);
                }
            }
        }, cancellationToken);
        return errors;
    }

    public Task<IAsyncDisposable> SubscribeAsync(SubscriptionRequest request, CancellationToken cancellationToken) => inner.SubscribeAsync(
        request with
        {
            Handler = (message, token) =>
            {
                // Also for what the broker does after the message: it may have begun in no flow at all.
                observation.Traffic.Threads.Join();
                return DeliverAsync(message, request.Handler, token);
            },
        },
        cancellationToken);

    private async Task DeliverAsync(IncomingMessage message, Func<IncomingMessage, CancellationToken, Task> handler, CancellationToken cancellationToken)
    {
        // The broker may reuse its buffer once the message is handled.
        var delivery = new Delivery(
            context.Name, message.Topic, context.AppId, context.InstanceIndex, message.Id, message.DeliveryAttempt, message.Data.ToArray());
        observation.Traffic.Add(delivery);
        var (outcome, error) = (DeliveryOutcome.Acknowledged, (Exception?)null);
        try
        {
            await observation.Faults.RunAsync(
                new DeliveryAttempt(delivery, inner.MaxHandlers),
                () =>
                {
                    delivery.CountHandled();
                    return handler(message, cancellationToken);
                },
                cancellationToken);
        }
        catch (Exception exception)
        {
            (outcome, error) = (exception is MessageReturnedException or OperationCanceledException ? DeliveryOutcome.Returned : DeliveryOutcome.Failed, exception);
            throw;
        }
        finally
        {
            delivery.End(outcome, error);
            observation.Traffic.Touch();
        }
    }

    private void Record(string topic, OutgoingMessage message) => observation.Traffic.Add(new PublishedMessage(
        context.Name, topic, context.AppId, message.Data.ToArray(), message.Metadata, observation.Time.GetUtcNow()));
}

/// <summary>One that knows its backlog as well.</summary>
internal sealed class ObservedBacklogPubSub(IPubSub inner, ComponentContext context, Observation observation)
    : ObservedPubSub(inner, context, observation), IBacklog
{
    public IReadOnlyList<GroupBacklog> Backlog() => ((IBacklog)Inner).Backlog();
}
