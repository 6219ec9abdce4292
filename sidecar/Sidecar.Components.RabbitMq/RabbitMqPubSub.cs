using RabbitMQ.Client;
using Sidecar.Abstractions;
using Sidecar.Components.RabbitMq.Connections;
using Sidecar.Components.RabbitMq.Consuming;
using Sidecar.Components.RabbitMq.Publishing;

namespace Sidecar.Components.RabbitMq;

/// <summary>
/// <c>pubsub.rabbitmq</c> (dapr/config §8.2): an exchange per topic, a queue <c>CONSUMERID-TOPIC</c> per group. A publish returns when the broker has
/// confirmed it and fails otherwise. Metadata: <see cref="PubSubOptions"/>; of a subscription: <c>queueName</c>, <c>routingKey</c> (a list) and what
/// <see cref="Topology.Arguments"/> takes; of a publish: <c>routingKey</c>, <c>mandatory</c> and what <see cref="Publication.PropertiesOf"/> takes.
/// </summary>
internal sealed class RabbitMqPubSub(ComponentContext context) : RabbitMqComponent(context), IPubSub
{
    private PubSubOptions _options = null!;

    public PubSubFeatures Features => PubSubFeatures.MessageTtl | PubSubFeatures.BulkPublish;

    public int MaxHandlers => _options.MaxHandlers;

    public TimeSpan ProcessingTimeout => _options.ProcessingTimeout;

    public override async Task InitAsync(CancellationToken cancellationToken)
    {
        var address = BrokerAddress.OfPubSub(Context);
        _options = PubSubOptions.Parse(Context);
        var publishing = Share(address, new PublisherOptions
        {
            PublishTimeout = _options.PublishTimeout,
            ReconnectWait = _options.ReconnectWait,
            Confirm = _options.PublisherConfirm,
            Mandatory = _options.Mandatory,
            DeclareAsync = async (connection, topic, token) =>
            {
                // On a channel of its own: a refusal closes it, with everything that is under way on it.
                await using var channel = await connection.CreateChannelAsync(cancellationToken: token);
                await Topology.DeclareExchangeAsync(channel, topic, _options, token);
            },
        });
        try
        {
            await publishing.OpenAsync(cancellationToken);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask PublishAsync(string topic, OutgoingMessage message, CancellationToken cancellationToken)
    {
        if ((await Publisher.PublishAsync(topic, [ToPublication(message)], cancellationToken))[0] is { } error)
        {
            throw error;
        }
    }

    public async ValueTask<IReadOnlyList<Exception?>> PublishManyAsync(
        string topic, IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken)
    {
        var errors = new Exception?[messages.Count];
        var good = new List<(int Index, Publication Message)>(messages.Count);
        for (var index = 0; index < messages.Count; index++)
        {
            try
            {
                good.Add((index, ToPublication(messages[index])));
            }
            catch (ComponentException exception)
            {
                errors[index] = exception;
            }
        }

        var outcomes = await Publisher.PublishAsync(topic, [.. good.Select(entry => entry.Message)], cancellationToken);
        foreach (var ((index, _), outcome) in good.Zip(outcomes))
        {
            errors[index] = outcome;
        }

        return errors;
    }

    public async Task<IAsyncDisposable> SubscribeAsync(SubscriptionRequest request, CancellationToken cancellationToken)
    {
        var metadata = request.Metadata;
        var queue = metadata["queueName"] is { Length: > 0 } name ? name : $"{_options.ConsumerId}-{request.Topic}";
        try
        {
            var arguments = Topology.Arguments(queue, metadata, _options);
            var options = new ConsumerOptions
            {
                Queue = queue,
                Prefetch = _options.Prefetch,
                MaxHandlers = _options.MaxHandlers,
                DeletedWhenUnused = _options.DeletedWhenUnused,
                AutoAck = _options.AutoAck,
                Requeue = _options.RequeueInFailure,
                RedeliverInterval = _options.RedeliverInterval,
                ReturnPause = _options.ReturnPause,
                ReconnectWait = _options.ReconnectWait,
                DeclareAsync = (channel, token) =>
                    Topology.DeclareQueueAsync(channel, queue, request.Topic, arguments, (metadata["routingKey"] ?? "").Split(','), _options, token),
            };
            return await QueueConsumer.StartAsync(
                Consuming, options, (delivery, token) => request.Handler(ToMessage(queue, request.Topic, delivery), token), Logger, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw new ComponentException($"{Context.Name} cannot subscribe to topic '{request.Topic}': {exception.Message}", exception);
        }
    }

    private Publication ToPublication(OutgoingMessage message) => new(
        message.Metadata["routingKey"] ?? "", Publication.PropertiesOf(message.Metadata, _options.Persistent, _options.TimeToLive), message.Data)
    {
        Mandatory = message.Metadata["mandatory"] is { Length: > 0 } ? message.Metadata.Bool("mandatory", _options.Mandatory) : null,
    };

    private IncomingMessage ToMessage(string queue, string topic, Delivery delivery) => new(
        delivery.Properties.MessageId is { Length: > 0 } id ? id : $"{queue}#{delivery.Tag}",
        topic, delivery.Body, _options.PublishProperties ? new ComponentMetadata(PropertiesOf(delivery)) : ComponentMetadata.Empty, delivery.Attempt);

    private static IEnumerable<KeyValuePair<string, string>> PropertiesOf(Delivery delivery)
    {
        var properties = delivery.Properties;
        (string Name, string? Value)[] known =
        [
            ("messageid", properties.MessageId), ("correlationid", properties.CorrelationId), ("type", properties.Type), ("contenttype", properties.ContentType),
        ];
        return known.Where(entry => entry.Value is { Length: > 0 }).Select(entry => KeyValuePair.Create(entry.Name, entry.Value!))
            .Concat(delivery.Headers())
            .Select(entry => KeyValuePair.Create($"metadata.{entry.Key}", entry.Value));
    }
}
