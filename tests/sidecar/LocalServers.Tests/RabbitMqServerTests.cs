using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using TestServers;

namespace LocalServers.Tests;

public sealed class RabbitMqServerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Confirmed_messages_in_a_quorum_queue_survive_kill_and_restart_in_a_path_with_spaces()
    {
        await using var rabbit = new RabbitMqServer(Servers.NewDirectory("a rabbit "));
        Servers.SkipUnlessInstalled(rabbit);
        await rabbit.StartAsync();
        var uri = await rabbit.CreateVhostAsync("te st/1");
        await using (var connection = await ConnectAsync(uri))
        {
            await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
            await channel.QueueDeclareAsync("jobs", durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
            for (var message = 0; message < 20; message++)
            {
                await channel.BasicPublishAsync("", "jobs", true, new BasicProperties { Persistent = true }, new byte[] { 1 });
            }

            // The broker writes down that it has a new queue every half second; killed before that, it does not find the queue again.
            await Wait.UntilAsync(() => Directory.EnumerateFiles(rabbit.DataDirectory, "names.dets", SearchOption.AllDirectories)
                .Any(file => Encoding.Latin1.GetString(File.ReadAllBytes(file)).Contains("jobs", StringComparison.Ordinal)));
            await rabbit.KillAsync();
        }

        await rabbit.RestartAsync();

        await using var again = await ConnectAsync(uri);
        await using var reader = await again.CreateChannelAsync();
        for (var message = 0; message < 20; message++)
        {
            Assert.NotNull(await reader.BasicGetAsync("jobs", autoAck: true));
        }
    }

    /// <summary>A thread that has not yet obeyed would still confirm what is published now.</summary>
    [Fact]
    public async Task No_thread_of_a_paused_broker_runs()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells of threads in /proc");
        await using var rabbit = new RabbitMqServer(Servers.NewDirectory("paused "));
        Servers.SkipUnlessInstalled(rabbit);
        await rabbit.StartAsync();

        for (var round = 0; round < 20; round++)
        {
            await rabbit.PauseAsync();
            var states = States(rabbit.Pid!.Value);
            rabbit.Resume();

            Assert.InRange(states.Count, 10, int.MaxValue);
            // Stopped, or ended and not collected yet.
            Assert.All(states, state => Assert.True(state is 'T' or 'Z', $"{state}"));
        }

        static List<char> States(int pid) =>
        [
            .. Directory.EnumerateDirectories($"/proc/{pid}/task").Select(thread => File.ReadAllText($"{thread}/stat")).Select(stat => stat[stat.LastIndexOf(')') + 2]),
            .. Directory.EnumerateDirectories($"/proc/{pid}/task").SelectMany(thread => File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .SelectMany(child => States(int.Parse(child, CultureInfo.InvariantCulture))),
        ];
    }

    [Fact]
    public async Task A_wrong_password_is_refused()
    {
        var rabbit = await Servers.RabbitMqAsync();

        var failure = await Assert.ThrowsAsync<BrokerUnreachableException>(
            () => ConnectAsync(rabbit.AmqpUri().Replace(rabbit.Password, "wrong", StringComparison.Ordinal)));

        Assert.IsType<AuthenticationFailureException>(failure.InnerException);
    }

    [Fact]
    public async Task Definitions_are_imported_and_two_nodes_run_at_once()
    {
        var rabbit = await Servers.RabbitMqAsync();
        await using var second = await Servers.NewRabbitMqAsync();
        await second.CreateVhostAsync("v");
        await second.ImportAsync("""{"queues":[{"name":"q","durable":true,"auto_delete":false,"arguments":{"x-queue-type":"quorum"}}]}""", "v");

        Assert.Contains("\"q\"", await second.Management.GetStringAsync("queues/v?columns=name"));
        Assert.DoesNotContain("\"q\"", await rabbit.Management.GetStringAsync("queues?columns=name"));
        Assert.Contains("not take the definitions", (await Assert.ThrowsAsync<LocalServerException>(() => second.ImportAsync("nonsense"))).Message);
    }

    [Fact]
    public void A_missing_program_is_one_sentence_with_the_command_that_installs_it() =>
        Assert.Equal(
            "/no/such/rabbit is not installed: apt-get install -y --no-install-recommends rabbitmq-server",
            new RabbitMqServer(Servers.NewDirectory(), new RabbitMqServerOptions { Executable = "/no/such/rabbit" }).Missing);

    private static Task<IConnection> ConnectAsync(string uri) => new ConnectionFactory
    {
        Uri = new Uri(uri),
        AutomaticRecoveryEnabled = false,
        // A node that has just booted may take its time.
        RequestedConnectionTimeout = Patience,
        HandshakeContinuationTimeout = Patience,
        ContinuationTimeout = Patience,
    }.CreateConnectionAsync();
}
