using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Abstractions;
using Sidecar.Components.RabbitMq.Connections;
using Sidecar.Components.RabbitMq.Publishing;

namespace Sidecar.Components.RabbitMq;

/// <summary>What the components of a broker have in common: shares in the two connections of the process to it, and a publisher.</summary>
internal abstract class RabbitMqComponent(ComponentContext context) : IComponent
{
    private static readonly Shared<(BrokerAddress Address, string Role), BrokerConnection> Connections = new();

    private Share<BrokerConnection>? _publishing;
    private Share<BrokerConnection>? _consuming;
    private Publisher? _publisher;

    protected ComponentContext Context { get; } = context;

    protected ILogger Logger { get; } = context.Services.GetService<ILoggerFactory>()?.CreateLogger($"Sidecar.Components.RabbitMq.{context.Type}") ?? NullLogger.Instance;

    protected BrokerConnection Consuming => _consuming?.Value ?? throw NotInitialised();

    protected Publisher Publisher => _publisher ?? throw NotInitialised();

    public abstract Task InitAsync(CancellationToken cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_publisher is not null)
        {
            await _publisher.DisposeAsync();
        }

        foreach (var connection in new[] { _publishing, _consuming }.OfType<Share<BrokerConnection>>())
        {
            await connection.DisposeAsync();
        }
    }

    /// <summary>Takes the shares; nothing is sent yet. Returns the connection for publishing.</summary>
    protected BrokerConnection Share(BrokerAddress address, PublisherOptions options)
    {
        _publishing = Acquire(address, "publish");
        _consuming = Acquire(address, "consume");
        _publisher = new Publisher(_publishing.Value, options);
        return _publishing.Value;
    }

    private Share<BrokerConnection> Acquire(BrokerAddress address, string role) =>
        Connections.Acquire((address, role), () => new BrokerConnection(address, role, Logger));

    private InvalidOperationException NotInitialised() => new($"component '{Context.Name}' is not initialised");
}
