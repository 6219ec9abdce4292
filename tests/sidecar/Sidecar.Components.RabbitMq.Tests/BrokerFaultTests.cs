using System.Collections.Concurrent;
using System.Diagnostics;
using LocalServers;
using Sidecar.Abstractions;
using TestServers;

namespace Sidecar.Components.RabbitMq.Tests;

/// <summary>The broker is killed, frozen, cut off and short of memory. Whatever was published successfully is handled.</summary>
public sealed class BrokerFaultTests(BrokerFaultTests.OwnServer own) : IClassFixture<BrokerFaultTests.OwnServer>, IAsyncLifetime
{
    private RabbitMqServer _server = null!;
    private Vhost _vhost = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await own.StartedAsync();
        _vhost = await Vhost.CreateAsync(_server);
    }

    public ValueTask DisposeAsync() => _vhost.DisposeAsync();

    [Fact]
    public async Task Kill_and_restart_during_2000_messages_lose_nothing_that_was_published()
    {
        var brokers = new[] { await _vhost.PubSubAsync("publishTimeout=5m"), await _vhost.PubSubAsync("publishTimeout=5m") };
        var consumer = new Consumer();
        await using var first = await consumer.SubscribeAsync(brokers[0]);
        await using var second = await consumer.SubscribeAsync(brokers[1]);
        await _vhost.NotedAsync();
        var published = new ConcurrentQueue<string>();

        var publishing = Task.WhenAll(Enumerable.Range(0, 8).Select(publisher => Task.Run(async () =>
        {
            for (var index = 0; index < 250; index++)
            {
                var text = $"{publisher}:{index}";
                await brokers[publisher % 2].PublishAsync(Vhost.Topic, Vhost.Message(text), default);
                published.Enqueue(text);
            }
        })));
        await Wait.UntilAsync(() => published.Count > 500);
        await _server.KillAsync();
        await _server.RestartAsync();
        await publishing;

        await Wait.UntilAsync(() => !published.Except(consumer.Texts).Any());
        Assert.Equal(2000, published.Count);
    }

    [Fact]
    public async Task Closed_connections_are_opened_again_while_messages_pass()
    {
        var broker = await _vhost.PubSubAsync();
        var consumer = new Consumer();
        await using var subscription = await consumer.SubscribeAsync(broker);
        var published = new ConcurrentQueue<string>();
        using var stop = new CancellationTokenSource();
        var publishing = Task.WhenAll(Enumerable.Range(0, 4).Select(publisher => Task.Run(async () =>
        {
            for (var index = 0; !stop.IsCancellationRequested; index++)
            {
                await broker.PublishAsync(Vhost.Topic, Vhost.Message($"{publisher}:{index}"), default);
                published.Enqueue($"{publisher}:{index}");
            }
        })));

        for (var cut = 0; cut < 3; cut++)
        {
            var before = published.Count;
            await Wait.UntilAsync(() => published.Count > before + 50);
            await Wait.UntilAsync(_vhost.CutAsync);
        }

        var after = published.Count;
        await Wait.UntilAsync(() => published.Count > after + 50);
        await stop.CancelAsync();
        await publishing;
        await Wait.UntilAsync(() => !published.Except(consumer.Texts).Any());
    }

    [Fact]
    public async Task A_frozen_broker_fails_publishes_in_time_and_is_used_again_when_it_goes_on()
    {
        var broker = await _vhost.PubSubAsync("heartBeat=5s;publishTimeout=6s;connectTimeout=10s");
        var consumer = new Consumer();
        await using var subscription = await consumer.SubscribeAsync(broker);
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("before"), default);

        await _server.PauseAsync();
        try
        {
            var error = await Assert.ThrowsAsync<IOException>(async () => await broker.PublishAsync(Vhost.Topic, Vhost.Message("lost"), default));
            Assert.Contains("did not confirm the message within publishTimeout (6 s)", error.Message, StringComparison.Ordinal);

            // By now the heartbeats have failed, and a new connection is not answered.
            await Wait.UntilAsync(async () => await FailureAsync(broker) is { } message && message.Contains("did not answer within connectTimeout (10 s)", StringComparison.Ordinal));
        }
        finally
        {
            _server.Resume();
        }

        await Wait.UntilAsync(async () => await FailureAsync(broker, "after") is null);
        await Wait.UntilAsync(() => consumer.Texts.Contains("after"));
        Assert.Contains("before", consumer.Texts);
    }

    [Fact]
    public async Task A_broker_short_of_memory_fails_publishes_in_time_and_still_takes_acknowledgements()
    {
        var broker = await _vhost.PubSubAsync("publishTimeout=2s;redeliverInterval=1s");
        var patient = await _vhost.PubSubAsync();
        var release = new TaskCompletionSource();
        var consumer = new Consumer { Handle = (_, _) => release.Task };
        await using var subscription = await consumer.SubscribeAsync(broker);
        await patient.PublishAsync(Vhost.Topic, Vhost.Message("before"), default);
        await consumer.WaitAsync(1);

        await LimitMemoryAsync("1000");
        await Wait.UntilAsync(async () => (await FailureAsync(broker))?.Contains("takes no messages now", StringComparison.Ordinal) == true);
        var begin = TimeProvider.System.GetTimestamp();
        var error = await Assert.ThrowsAsync<IOException>(async () => await broker.PublishAsync(Vhost.Topic, Vhost.Message("blocked"), default));
        Assert.InRange(TimeProvider.System.GetElapsedTime(begin).TotalSeconds, 1.5, 15);
        Assert.Contains("low on memory", error.Message, StringComparison.Ordinal);
        Assert.Contains("publishTimeout (2 s): free memory or disk on the broker", error.Message, StringComparison.Ordinal);
        release.SetResult();
        await Wait.UntilAsync(async () => (await _vhost.CountAsync()).Unacknowledged == 0);

        await LimitMemoryAsync("512MB");
        await Wait.UntilAsync(async () => await FailureAsync(broker, "after") is null);
        await Wait.UntilAsync(() => consumer.Texts.Contains("after"));
    }

    [Fact]
    public async Task A_frozen_broker_does_not_hold_up_the_end()
    {
        // A patient one makes the queue, which may take longer the first time.
        await using (var patient = await Vhost.ConnectAsync(_vhost.Address, "app", ""))
        {
            await (await new Consumer().SubscribeAsync(patient)).DisposeAsync();
        }

        var broker = await _vhost.PubSubAsync("connectTimeout=3s");
        var consumer = new Consumer { Handle = (_, _) => throw new InvalidOperationException("no") };
        var subscription = await consumer.SubscribeAsync(broker);
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("unfinished"), default);
        await consumer.WaitAsync(1);

        await _server.PauseAsync();
        try
        {
            await subscription.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
            await broker.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        }
        finally
        {
            _server.Resume();
        }

        var next = new Consumer();
        await using var second = await next.SubscribeAsync(await _vhost.PubSubAsync());
        await next.WaitAsync(1);
        Assert.Equal(["unfinished"], next.Texts);
    }

    private static async Task<string?> FailureAsync(IPubSub broker, string text = "try")
    {
        try
        {
            await broker.PublishAsync(Vhost.Topic, Vhost.Message(text), default);
            return null;
        }
        catch (IOException exception)
        {
            return exception.Message;
        }
    }

    /// <summary>Sets from how much memory the node takes no more messages. The tool finds the node by the environment of that.</summary>
    private async Task LimitMemoryAsync(string limit)
    {
        var start = new ProcessStartInfo(
            "/usr/lib/rabbitmq/bin/rabbitmqctl", ["--node", "tandem@localhost", "set_vm_memory_high_watermark", "absolute", limit]) { RedirectStandardOutput = true };
        var environment = await File.ReadAllTextAsync($"/proc/{_server.Pid}/environ");
        foreach (var pair in environment.Split('\0', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)))
        {
            start.Environment[pair[0]] = pair[1];
        }

        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    /// <summary>A server that is killed and frozen, which the shared one must not be.</summary>
    public sealed class OwnServer : IAsyncLifetime
    {
        private RabbitMqServer? _server;

        public async Task<RabbitMqServer> StartedAsync() => _server ??= await Servers.NewRabbitMqAsync();

        public ValueTask InitializeAsync() => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
