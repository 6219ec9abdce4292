using RabbitMQ.Client;
using Sidecar.Abstractions;
using Sidecar.Components.RabbitMq.Connections;
using Sidecar.Components.RabbitMq.Consuming;
using Sidecar.Components.RabbitMq.Publishing;

namespace Sidecar.Components.RabbitMq;

/// <summary>
/// <c>bindings.rabbitmq</c> (dapr/config §10): one queue, metadata <c>queueName</c>. Output: operation <c>create</c> publishes to it and returns when the
/// broker has confirmed; request metadata becomes headers, and what <see cref="Publication.PropertiesOf"/> takes. Input: one message at a time;
/// what the app did not take comes again after <c>redeliverInterval</c>, unlike daprd, which asks again at once.
/// </summary>
internal sealed class RabbitMqBinding(ComponentContext context) : RabbitMqComponent(context), IInputBinding, IOutputBinding
{
    /// <summary>What <c>prefetchCount</c> 0 means: one is handled at a time, some more wait here.</summary>
    private const int DefaultPrefetch = 10;

    private readonly Dictionary<string, object?> _arguments = [];
    private string _queue = "";
    private bool _durable;
    private bool _deleteWhenUnused;
    private bool _exclusive;

    public IReadOnlyList<string> Operations { get; } = ["create"];

    public override async Task InitAsync(CancellationToken cancellationToken)
    {
        var metadata = Context.Metadata;
        _queue = metadata.Required("queueName");
        _durable = metadata.Bool("durable", false);
        _deleteWhenUnused = metadata.Bool("deleteWhenUnused", false);
        _exclusive = metadata.Bool("exclusive", false);
        if ((Publication.TimeToLive(metadata, "ttlInSeconds") ?? Publication.TimeToLive(metadata, "ttl")) is { } ttl)
        {
            _arguments["x-message-ttl"] = (long)ttl.TotalMilliseconds;
        }

        if (metadata["maxPriority"] is { Length: > 0 })
        {
            _arguments["x-max-priority"] = (byte)Math.Min(PubSubOptions.Number(metadata, "maxPriority", long.MaxValue), byte.MaxValue);
        }

        // An exclusive queue belongs to the connection that made it, so nobody else may have that.
        var address = BrokerAddress.OfBinding(Context);
        address = _exclusive ? address with { ClientName = $"{address.ClientName} {Guid.NewGuid()}" } : address;
        Share(address, new PublisherOptions
        {
            PublishTimeout = metadata.Duration("publishTimeout", TimeSpan.FromSeconds(20)),
            ReconnectWait = ReconnectWait,
            Mandatory = true,
            DeclareAsync = (_, _, token) => DeclareAsync(token),
        });
        try
        {
            await DeclareAsync(cancellationToken);
        }
        catch (Exception exception)
        {
            await DisposeAsync();
            throw TopologyProblem.Of(exception, address) ?? exception;
        }
    }

    public async ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken)
    {
        var contentType = Context.Metadata["contentType"] is { Length: > 0 } type ? type : "text/plain";
        var properties = Publication.PropertiesOf(request.Metadata, persistent: true, timeToLive: null, contentType);
        properties.Headers = request.Metadata.ToDictionary(entry => entry.Key, object? (entry) => entry.Value);
        var errors = await Publisher.PublishAsync("", [new Publication(_queue, properties, request.Data)], cancellationToken);
        return errors[0] is { } error ? throw error : BindingResponse.Empty;
    }

    public async Task<IAsyncDisposable> ReadAsync(Func<BindingEvent, CancellationToken, Task> handler, CancellationToken cancellationToken)
    {
        var prefetch = PubSubOptions.Number(Context.Metadata, "prefetchCount", ushort.MaxValue);
        var options = new ConsumerOptions
        {
            Queue = _queue,
            DeclareAsync = DeclareAsync,
            Prefetch = prefetch > 0 ? (int)prefetch : DefaultPrefetch,
            MaxHandlers = 1,
            DeletedWhenUnused = _deleteWhenUnused,
            RedeliverInterval = Context.Metadata.Duration("redeliverInterval", TimeSpan.FromSeconds(15)),
            ReturnPause = Context.Metadata.Duration("returnPause", TimeSpan.FromSeconds(1)),
            ReconnectWait = ReconnectWait,
        };
        return await QueueConsumer.StartAsync(
            Consuming, options, (delivery, token) => handler(new BindingEvent(delivery.Body, MetadataOf(delivery)), token), Logger, cancellationToken);
    }

    private TimeSpan ReconnectWait => PubSubOptions.Seconds(Context.Metadata, "reconnectWaitInSeconds", TimeSpan.FromSeconds(5));

    /// <summary>Declares over the consuming connection, to which an exclusive queue has to belong.</summary>
    private async Task DeclareAsync(CancellationToken cancellationToken)
    {
        var connection = await Consuming.OpenAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        await DeclareAsync(channel, cancellationToken);
    }

    private Task DeclareAsync(IChannel channel, CancellationToken cancellationToken) =>
        channel.QueueDeclareAsync(_queue, _durable, _exclusive, _deleteWhenUnused, _arguments, cancellationToken: cancellationToken);

    /// <summary>Headers become those of the HTTP request, so their names are escaped as daprd does.</summary>
    private static ComponentMetadata MetadataOf(Delivery delivery) => new(delivery.Headers()
        .Select(entry => KeyValuePair.Create(Uri.EscapeDataString(entry.Key), entry.Value)));
}
