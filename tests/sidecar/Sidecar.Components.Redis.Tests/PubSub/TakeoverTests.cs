using System.Diagnostics;

namespace Sidecar.Components.Redis.Tests.PubSub;

/// <summary>Consumers in different processes, one of them frozen.</summary>
public sealed class TakeoverTests
{
    [Fact]
    public async Task What_a_frozen_consumer_has_goes_to_another_and_its_late_word_does_no_harm()
    {
        await using var broker = await Broker.SharedAsync();
        var publisher = await broker.ComponentAsync();
        using var frozen = Start(broker);
        try
        {
            Assert.Equal("ready", await frozen.StandardOutput.ReadLineAsync());
            await broker.PublishAsync(publisher, "first");
            Assert.Equal("first", await frozen.StandardOutput.ReadLineAsync());
            await SignalAsync(frozen, "STOP");

            var release = new TaskCompletionSource();
            var other = new Consumer((_, _) => release.Task);
            await broker.SubscribeAsync(await broker.ComponentAsync(FrozenConsumer.Metadata, 1), other);
            var taken = Assert.Single(await other.WaitAsync(1));
            Assert.Equal(("first", 2), (Consumer.Text(taken), taken.DeliveryAttempt));

            // Both have it now; the one that was frozen says first that it is done.
            await SignalAsync(frozen, "CONT");
            await frozen.StandardInput.WriteLineAsync("go on");
            Assert.Equal("done", await frozen.StandardOutput.ReadLineAsync());
            await Consumer.UntilAsync(async () => await broker.PendingAsync() == 0);
            release.SetResult();

            // It works on as before.
            await other.WaitAsync(1);
            await broker.PublishAsync(publisher, "second");
            await broker.PublishAsync(publisher, "third");
            await frozen.StandardInput.WriteLineAsync("go on");
            await frozen.StandardInput.WriteLineAsync("go on");
            await Consumer.UntilAsync(async () => await broker.PendingAsync() == 0);
            Assert.Single(other.Texts, "first");
        }
        finally
        {
            frozen.Kill();
            await frozen.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task A_long_handler_of_a_live_consumer_is_left_alone_by_another_process()
    {
        await using var broker = await Broker.SharedAsync();
        var release = new TaskCompletionSource();
        var consumer = new Consumer((_, _) => release.Task);
        var component = await broker.ComponentAsync(FrozenConsumer.Metadata, 1);
        await broker.SubscribeAsync(component, consumer);
        await broker.PublishAsync(component, "long");
        await consumer.WaitAsync(1);
        using var other = Start(broker);
        try
        {
            Assert.Equal("ready", await other.StandardOutput.ReadLineAsync());
            var printed = other.StandardOutput.ReadLineAsync();

            // The other looks for what is idle for 15 s.
            Assert.NotSame(printed, await Task.WhenAny(printed, Task.Delay(TimeSpan.FromSeconds(18))));

            Assert.Equal(1, await broker.PendingAsync());
            release.SetResult();
            await Consumer.UntilAsync(async () => await broker.PendingAsync() == 0);
            Assert.Single(consumer.Received);
        }
        finally
        {
            other.Kill();
            await other.WaitForExitAsync();
        }
    }

    private static Process Start(Broker broker)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardInput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(TakeoverTests).Assembly.Location);
        }

        foreach (var argument in new[] { "consumer", broker.Address, broker.Topic })
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    private static async Task SignalAsync(Process process, string signal)
    {
        using var kill = Process.Start("kill", ["-" + signal, $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }
}
