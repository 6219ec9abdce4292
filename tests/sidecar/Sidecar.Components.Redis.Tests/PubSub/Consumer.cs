using System.Collections.Concurrent;
using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.Redis.Tests.PubSub;

/// <summary>Keeps what it is handed, and does with it what the test says.</summary>
internal sealed class Consumer(Func<IncomingMessage, CancellationToken, Task>? handle = null)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly ConcurrentQueue<IncomingMessage> _received = new();

    public IReadOnlyCollection<IncomingMessage> Received => _received;

    public IEnumerable<string> Texts => _received.Select(Text);

    public static string Text(IncomingMessage message) => Encoding.UTF8.GetString(message.Data.Span);

    public SubscriptionRequest Request(string topic) => new(topic, ComponentMetadata.Empty, (message, cancellationToken) =>
    {
        _received.Enqueue(message);
        return handle?.Invoke(message, cancellationToken) ?? Task.CompletedTask;
    });

    public async Task<IncomingMessage[]> WaitAsync(int count)
    {
        await UntilAsync(() => _received.Count >= count);
        return [.. _received];
    }

    /// <summary>Looks again and again, with a generous limit, so that a loaded machine fails no test.</summary>
    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition())
        {
            await Task.Delay(10, limit.Token);
        }
    }
}
