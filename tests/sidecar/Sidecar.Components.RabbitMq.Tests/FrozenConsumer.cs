using Sidecar.Abstractions;

namespace Sidecar.Components.RabbitMq.Tests;

/// <summary>A process that takes messages and never answers, so that it can be frozen with it.</summary>
internal static class FrozenConsumer
{
    public static async Task<int> RunAsync(string address)
    {
        var broker = await Vhost.ConnectAsync(address, "app", "prefetchCount=2;heartBeat=5s");
        await using var subscription = await broker.SubscribeAsync(
            new SubscriptionRequest(Vhost.Topic, Vhost.Quorum, async (message, token) =>
            {
                Console.WriteLine(Vhost.Text(message));
                await Task.Delay(Timeout.Infinite, token);
            }), default);
        Console.WriteLine("ready");
        await Task.Delay(Timeout.Infinite);
        return 0;
    }
}
