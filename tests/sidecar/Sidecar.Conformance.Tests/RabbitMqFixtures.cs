using Sidecar.Abstractions;
using Sidecar.Components.RabbitMq;
using TestKit;
using TestServers;

namespace Sidecar.Conformance.Tests;

/// <summary>A virtual host per test on the shared server.</summary>
public abstract class RabbitMqFixture(string queueType) : ComponentFixture, IPubSubFixture
{
    private readonly string _vhost = Guid.NewGuid().ToString("N");
    private string? _address;

    public override ManualTimeProvider? Clock => null;

    /// <summary>What is given back counts too, and a classic queue does not count at all.</summary>
    public bool CountsAttempts => false;

    public bool KeepsForNewGroups => false;

    protected override ComponentRegistry Registry { get; } = new ComponentRegistry().AddRabbitMq();

    public async Task<IPubSub> PubSubAsync(string appId, int instance, string metadata)
    {
        _address ??= await (await Servers.RabbitMqAsync()).CreateVhostAsync(_vhost);

        // The suite speaks of handlers at a time and of groups that go with their consumers; here these are other names.
        var lasting = !metadata.Contains("ephemeral=true", StringComparison.Ordinal);
        var broker = await CreateAsync<IPubSub>(
            "pubsub.rabbitmq", appId, instance,
            $"connectionString={_address};{Patient.RabbitMq};deletedWhenUnused={!lasting};mandatory=false;" + metadata.Replace("concurrency=", "prefetchCount=", StringComparison.Ordinal));

        // A quorum queue cannot go with its consumers.
        return new TypedQueues(broker, lasting ? queueType : "classic");
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_address is not null)
        {
            await (await Servers.RabbitMqAsync()).Management.DeleteAsync($"vhosts/{_vhost}");
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>The type of a queue is asked for by the subscription.</summary>
    private sealed class TypedQueues(IPubSub broker, string queueType) : IPubSub
    {
        public PubSubFeatures Features => broker.Features;

        public int MaxHandlers => broker.MaxHandlers;

        public TimeSpan ProcessingTimeout => broker.ProcessingTimeout;

        public Task InitAsync(CancellationToken cancellationToken) => broker.InitAsync(cancellationToken);

        public ValueTask PublishAsync(string topic, OutgoingMessage message, CancellationToken cancellationToken) =>
            broker.PublishAsync(topic, message, cancellationToken);

        public ValueTask<IReadOnlyList<Exception?>> PublishManyAsync(
            string topic, IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken) => broker.PublishManyAsync(topic, messages, cancellationToken);

        public Task<IAsyncDisposable> SubscribeAsync(SubscriptionRequest request, CancellationToken cancellationToken) => broker.SubscribeAsync(
            request with { Metadata = new ComponentMetadata(request.Metadata.Append(new("queueType", queueType))) }, cancellationToken);

        public ValueTask DisposeAsync() => broker.DisposeAsync();
    }
}

public sealed class RabbitMqClassicFixture() : RabbitMqFixture("classic");

public sealed class RabbitMqQuorumFixture() : RabbitMqFixture("quorum");

public sealed class RabbitMqClassicTests : PubSubConformance<RabbitMqClassicFixture>;

public sealed class RabbitMqQuorumTests : PubSubConformance<RabbitMqQuorumFixture>;
