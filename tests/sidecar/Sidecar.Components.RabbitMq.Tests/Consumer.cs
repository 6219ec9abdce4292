using System.Collections.Concurrent;
using Sidecar.Abstractions;

namespace Sidecar.Components.RabbitMq.Tests;

/// <summary>A handler that keeps what it got.</summary>
internal sealed class Consumer
{
    private readonly ConcurrentQueue<IncomingMessage> _received = new();

    public Func<IncomingMessage, CancellationToken, Task> Handle { get; set; } = (_, _) => Task.CompletedTask;

    public IReadOnlyCollection<IncomingMessage> Received => _received;

    public IReadOnlyCollection<string> Texts => [.. _received.Select(Vhost.Text)];

    public Task<IAsyncDisposable> SubscribeAsync(IPubSub broker, string metadata = "queueType=quorum", CancellationToken cancellationToken = default) =>
        broker.SubscribeAsync(
            new SubscriptionRequest(Vhost.Topic, Vhost.Metadata(metadata), (message, token) =>
            {
                _received.Enqueue(message);
                return Handle(message, token);
            }), cancellationToken);

    public Task WaitAsync(int count) => Wait.UntilAsync(() => _received.Count >= count);
}
