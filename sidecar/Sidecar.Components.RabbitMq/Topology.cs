using RabbitMQ.Client;
using Sidecar.Abstractions;

namespace Sidecar.Components.RabbitMq;

/// <summary>Exchanges and queues as daprd makes them (dapr/config §8.2), so that either engine finds what the other made.</summary>
internal static class Topology
{
    private const string QueueType = "x-queue-type";
    private const string MaxLength = "x-max-length";
    private const string MaxLengthBytes = "x-max-length-bytes";

    /// <summary>The exchange of a topic has its name.</summary>
    public static Task DeclareExchangeAsync(IChannel channel, string topic, PubSubOptions options, CancellationToken cancellationToken) =>
        channel.ExchangeDeclareAsync(topic, options.ExchangeKind, options.Durable, options.DeletedWhenUnused, cancellationToken: cancellationToken);

    /// <summary>The subscription's queue, bound to its topic; with <c>enableDeadLetter</c> also <c>dlx-QUEUE</c> and <c>dlq-QUEUE</c>.</summary>
    public static async Task DeclareQueueAsync(
        IChannel channel, string queue, string topic, IDictionary<string, object?> arguments, string[] routingKeys, PubSubOptions options,
        CancellationToken cancellationToken)
    {
        await DeclareExchangeAsync(channel, topic, options, cancellationToken);
        if (options.EnableDeadLetter)
        {
            var (exchange, deadQueue) = ($"dlx-{queue}", $"dlq-{queue}");
            var deadArguments = Lengths(options);
            deadArguments["x-queue-mode"] = "lazy";
            await channel.ExchangeDeclareAsync(exchange, ExchangeType.Fanout, durable: true, options.DeletedWhenUnused, cancellationToken: cancellationToken);
            await channel.QueueDeclareAsync(
                deadQueue, durable: true, exclusive: false, options.DeletedWhenUnused, deadArguments, cancellationToken: cancellationToken);
            await channel.QueueBindAsync(deadQueue, exchange, "", cancellationToken: cancellationToken);
        }

        await channel.QueueDeclareAsync(queue, options.Durable, exclusive: false, options.DeletedWhenUnused, arguments, cancellationToken: cancellationToken);
        foreach (var key in routingKeys)
        {
            await channel.QueueBindAsync(queue, topic, key, cancellationToken: cancellationToken);
        }
    }

    /// <summary>
    /// Arguments of a subscription's queue, from its metadata: <c>queueType</c> (classic or quorum), <c>maxPriority</c>, <c>singleActiveConsumer</c>,
    /// <c>maxLen</c>, <c>maxLenBytes</c>.
    /// </summary>
    public static IDictionary<string, object?> Arguments(string queue, ComponentMetadata subscription, PubSubOptions options)
    {
        var arguments = Lengths(options);
        if (options.EnableDeadLetter)
        {
            arguments["x-dead-letter-exchange"] = $"dlx-{queue}";
        }

        if (PubSubOptions.Number(subscription, "maxPriority", long.MaxValue) is > 0 and var priority)
        {
            arguments["x-max-priority"] = (byte)Math.Min(priority, byte.MaxValue);
        }

        var type = PubSubOptions.OneOf(subscription, "queueType", "classic", "quorum");
        if (type == "quorum" && (options.DeletedWhenUnused || !options.Durable))
        {
            throw new ComponentException("queueType 'quorum' needs the component's metadata 'durable' true and 'deletedWhenUnused' false: a quorum queue cannot go with its consumer");
        }

        arguments[QueueType] = type;
        if (subscription.Bool("singleActiveConsumer", false))
        {
            arguments["x-single-active-consumer"] = true;
        }

        if (PubSubOptions.Number(subscription, "maxLen", long.MaxValue) is > 0 and var length)
        {
            arguments[MaxLength] = length;
        }

        if (PubSubOptions.Number(subscription, "maxLenBytes", long.MaxValue) is > 0 and var bytes)
        {
            arguments[MaxLengthBytes] = bytes;
        }

        return arguments;
    }

    private static Dictionary<string, object?> Lengths(PubSubOptions options)
    {
        var arguments = new Dictionary<string, object?>();
        if (options.MaxLength > 0)
        {
            arguments[MaxLength] = options.MaxLength;
        }

        if (options.MaxLengthBytes > 0)
        {
            arguments[MaxLengthBytes] = options.MaxLengthBytes;
        }

        return arguments;
    }
}
