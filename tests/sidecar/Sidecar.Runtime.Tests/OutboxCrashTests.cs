using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;
using Sidecar.Api.Tests;
using Sidecar.Conformance.Tests;
using TestServers;

namespace Sidecar.Runtime.Tests;

public sealed class OutboxOnFiles : OutboxCrashSuite
{
    protected override Task<Part> StoreAsync() => Task.FromResult(new Part("state.tandem", ""));

    protected override Task<Part> BrokerAsync() => Task.FromResult(new Part("pubsub.tandem", "redeliverInterval=100ms"));
}

public sealed class OutboxOnRedis : OutboxCrashSuite
{
    protected override async Task<Part> StoreAsync() => new("state.redis", $"{await HostAsync()};keyPrefix={Guid.NewGuid():N}");

    protected override async Task<Part> BrokerAsync() => new("pubsub.redis", $"{await HostAsync()};processingTimeout=2s;redeliverInterval=200ms");

    private static async Task<string> HostAsync()
    {
        var server = await Servers.RedisAsync();
        return $"redisHost={server.Host}:{server.Port};{Patient.Redis}";
    }
}

public sealed class OutboxOnPostgreSqlAndRabbitMq : OutboxCrashSuite
{
    protected override async Task<Part> StoreAsync()
    {
        var server = await Servers.PostgresAsync();
        var name = $"outbox_{Guid.NewGuid():N}";
        await server.CreateDatabaseAsync(name);
        return new Part("state.postgresql", $"host={server.Host};port={server.Port};user=postgres;password={server.Password};database={name};{Patient.PostgreSql}", "v2");
    }

    protected override async Task<Part> BrokerAsync()
    {
        var server = await Servers.RabbitMqAsync();
        var address = await server.CreateVhostAsync(Guid.NewGuid().ToString("N"));
        return new Part(
            "pubsub.rabbitmq", $"connectionString={address};{Patient.RabbitMq};durable=true;deletedWhenUnused=false;deliveryMode=2;publisherConfirm=true;requeueInFailure=true");
    }
}

/// <summary>A sidecar that dies at any moment of a transaction with an outbox.</summary>
public abstract class OutboxCrashSuite
{
    /// <summary>A component without its outbox.</summary>
    protected sealed record Part(string Type, string Metadata, string Version = "v1");

    /// <summary>More than a transaction of two upserts has steps: two publishes, the commit, and for each message a look, a publish and a delete.</summary>
    private const int Moments = 20;

    private readonly ConcurrentQueue<(string Id, int Value)> _events = [];

    public static TheoryData<int> EveryMoment => [.. Enumerable.Range(0, Moments)];

    [Theory]
    [MemberData(nameof(EveryMoment))]
    public async Task What_was_committed_is_published_and_nothing_else(int moment)
    {
        var death = new Death(moment);
        var (store, broker) = (await StoreAsync(), await BrokerAsync());
        // One server for all moments.
        var topic = $"changed-{Guid.NewGuid():N}";
        await using var run = new TestRun { Types = types => Add(types, store.Type, broker.Type, () => death) }
            .Component("bus", "pubsub.dying", broker.Metadata, version: broker.Version)
            .Component("store", "state.dying", $"{store.Metadata};outboxPublishPubsub=bus;outboxPublishTopic={topic}", version: store.Version);
        await run.AppAsync("bank", app =>
        {
            app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = "bus", topic, route = "/on" } });
            app.MapPost("/on", async (HttpRequest request) =>
            {
                using var envelope = await JsonDocument.ParseAsync(request.Body);
                _events.Enqueue((envelope.RootElement.GetProperty("id").GetString()!, envelope.RootElement.GetProperty("data").GetInt32()));
            });
        });
        await run.StartAsync();
        await TestRun.Eventually(() => run.Sidecar.Apps[0].IsServing);

        var isAcknowledged = await TransactAsync(run, 1, 2);
        await TestRun.Eventually(() => death.IsReached || _events.Select(entry => entry.Value).Distinct().Count() == 2);
        death = new Death(null);
        await run.RestartAsync();
        Assert.True(await TransactAsync(run, 3));
        await TestRun.Eventually(() => _events.Any(entry => entry.Value == 3));

        using var client = run.Client();
        var isCommitted = (await client.GetStringAsync("/v1.0/state/store/k1")).Length > 0;
        Assert.Equal(isCommitted, (await client.GetStringAsync("/v1.0/state/store/k2")).Length > 0);
        Assert.True(isCommitted || !isAcknowledged);
        if (isCommitted)
        {
            await TestRun.Eventually(() => _events.Select(entry => entry.Value).Distinct().Count() == 3);
        }

        int[] expected = isCommitted ? [1, 2, 3] : [3];
        Assert.Equal(expected, _events.Select(entry => entry.Value).Distinct().Order());
        // A message that came twice has the same id, so that the consumer knows it.
        Assert.Equal(expected.Length, _events.Select(entry => entry.Id).Distinct().Count());
    }

    private static async Task<bool> TransactAsync(TestRun run, params int[] values)
    {
        using var client = run.Client();
        using var response = await client.PostAsJsonAsync("/v1.0/state/store/transaction", new
        {
            operations = values.Select(value => new
            {
                operation = "upsert",
                request = new { key = $"k{value}", value, metadata = new Dictionary<string, string> { ["contentType"] = "application/json" } },
            }),
        });
        return response.IsSuccessStatusCode;
    }

    protected abstract Task<Part> StoreAsync();

    protected abstract Task<Part> BrokerAsync();

    private static void Add(ComponentRegistry types, string store, string broker, Func<Death> death)
    {
        types.Add("state.dying", context => new DyingStore((IStateStore)types.Find(store)!(context), death()));
        types.Add("pubsub.dying", context => new DyingBroker((IPubSub)types.Find(broker)!(context), death()));
    }

    /// <summary>Before or after a step of the outbox the process is dead: no later step does anything. Null: it lives.</summary>
    private sealed class Death(int? moment)
    {
        private int _moments = -1;

        public bool IsReached => moment is not null && Volatile.Read(ref _moments) >= moment;

        public async ValueTask<T> RunAsync<T>(Func<ValueTask<T>> step)
        {
            Pass();
            var result = await step();
            Pass();
            return result;
        }

        public async ValueTask RunAsync(Func<ValueTask> step) => await RunAsync(async () =>
        {
            await step();
            return true;
        });

        private void Pass()
        {
            Interlocked.Increment(ref _moments);
            if (IsReached)
            {
                throw new IOException("the process is dead");
            }
        }
    }

    private sealed class DyingStore(IStateStore inner, Death death) : IStateStore
    {
        public StateFeatures Features => inner.Features;

        public Task InitAsync(CancellationToken cancellationToken) => inner.InitAsync(cancellationToken);

        public ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken) => death.RunAsync(() => inner.GetAsync(key, cancellationToken));

        public ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) => inner.GetManyAsync(keys, cancellationToken);

        public ValueTask WriteAsync(StateWrite write, CancellationToken cancellationToken) => death.RunAsync(() => inner.WriteAsync(write, cancellationToken));

        public ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken) => death.RunAsync(() => inner.TransactAsync(writes, cancellationToken));

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class DyingBroker(IPubSub inner, Death death) : IPubSub
    {
        public PubSubFeatures Features => inner.Features;

        public int MaxHandlers => inner.MaxHandlers;

        public TimeSpan ProcessingTimeout => inner.ProcessingTimeout;

        public Task InitAsync(CancellationToken cancellationToken) => inner.InitAsync(cancellationToken);

        public ValueTask PublishAsync(string topic, OutgoingMessage message, CancellationToken cancellationToken) =>
            death.RunAsync(() => inner.PublishAsync(topic, message, cancellationToken));

        public ValueTask<IReadOnlyList<Exception?>> PublishManyAsync(string topic, IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken) =>
            inner.PublishManyAsync(topic, messages, cancellationToken);

        public Task<IAsyncDisposable> SubscribeAsync(SubscriptionRequest request, CancellationToken cancellationToken) => inner.SubscribeAsync(request, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
