using System.Diagnostics;

namespace Sidecar.Components.RabbitMq.Tests;

/// <summary>A process that consumes is frozen or killed: its message goes to another.</summary>
public sealed class ConsumerFaultTests : IAsyncLifetime
{
    private Vhost _vhost = null!;

    public async ValueTask InitializeAsync() => _vhost = await Vhost.CreateAsync();

    public ValueTask DisposeAsync() => _vhost.DisposeAsync();

    [Theory]
    [InlineData("-STOP")]
    [InlineData("-KILL")]
    public async Task The_message_of_a_process_that_is_gone_goes_to_another_and_that_process_finds_its_way_back(string signal)
    {
        var broker = await _vhost.PubSubAsync();
        using var process = Start();
        try
        {
            Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
            await broker.PublishAsync(Vhost.Topic, Vhost.Message("first"), default);
            Assert.Equal("first", await process.StandardOutput.ReadLineAsync());

            await SignalAsync(process, signal);
            var consumer = new Consumer();
            await using var subscription = await consumer.SubscribeAsync(broker);
            await consumer.WaitAsync(1);
            Assert.Equal(["first"], consumer.Texts);

            if (signal == "-STOP")
            {
                await subscription.DisposeAsync();
                await SignalAsync(process, "-CONT");
                await broker.PublishAsync(Vhost.Topic, Vhost.Message("second"), default);
                string? line;
                do
                {
                    // A message may come more than once.
                    line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));
                }
                while (line == "first");

                Assert.Equal("second", line);
            }
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(ConsumerFaultTests).Assembly.Location);
        }

        start.ArgumentList.Add("consumer");
        start.ArgumentList.Add(_vhost.Address);
        return Process.Start(start)!;
    }

    private static async Task SignalAsync(Process process, string signal)
    {
        using var kill = Process.Start("kill", [signal, $"{process.Id}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }
}
