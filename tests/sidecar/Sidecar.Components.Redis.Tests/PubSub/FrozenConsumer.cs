namespace Sidecar.Components.Redis.Tests.PubSub;

/// <summary>A consumer in a process of its own, to be frozen: prints the text of a message and waits for a line of input before it is done with it.</summary>
internal static class FrozenConsumer
{
    public const string Metadata = "processingTimeout=15s;redeliverInterval=1s;concurrency=1";

    public static async Task<int> RunAsync(string address, string topic)
    {
        await using var broker = await Broker.AtAsync(address, topic);
        var output = TextWriter.Synchronized(Console.Out);
        await broker.SubscribeAsync(await broker.ComponentAsync(Metadata), new Consumer(async (message, _) =>
        {
            await output.WriteLineAsync(Consumer.Text(message));
            await Console.In.ReadLineAsync(CancellationToken.None);
            await output.WriteLineAsync("done");
        }));
        await output.WriteLineAsync("ready");
        await Task.Delay(Timeout.Infinite);
        return 0;
    }
}
