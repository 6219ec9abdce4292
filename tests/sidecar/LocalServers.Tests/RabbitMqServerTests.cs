using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using TestServers;

namespace LocalServers.Tests;

public sealed class RabbitMqServerTests
{
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

    private static Task<IConnection> ConnectAsync(string uri) =>
        new ConnectionFactory { Uri = new Uri(uri), AutomaticRecoveryEnabled = false }.CreateConnectionAsync();
}
