using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using LocalServers;
using Sidecar.Abstractions;
using TestServers;

namespace Sidecar.Components.RabbitMq.Tests;

/// <summary>What is wrong is said: with what, where, and what to do; never with the password.</summary>
public sealed class BadInputTests
{
    [Theory]
    [InlineData("prefetchCount=many", "metadata 'prefetchCount' is not a number from 0 to 65535: 'many'")]
    [InlineData("deliveryMode=3", "metadata 'deliveryMode' is not a number from 0 to 2: '3'")]
    [InlineData("exchangeKind=fanuot", "metadata 'exchangeKind' is one of fanout, topic, direct, headers, not 'fanuot'; did you mean 'fanout'?")]
    [InlineData("concurrency=10", "metadata 'concurrency' is parallel or single, not '10': how many messages are handled at a time is 'prefetchCount'")]
    [InlineData("connectionString=http://user:s3cret@host", "metadata 'connectionString' is no address of a broker: write amqp://USER:PASSWORD@HOST:PORT/VHOST")]
    [InlineData("hostname=a b", "metadata 'hostname' is no address of a broker: write HOST or HOST:PORT")]
    [InlineData("protocol=amqps;connectionString=amqp://localhost", "metadata 'protocol' is 'amqps' and 'connectionString' says otherwise: leave 'protocol' out")]
    [InlineData("saslExternal=true", "metadata 'saslExternal' needs an amqps address and caCert, clientCert and clientKey")]
    [InlineData("caCert=file.pem", "metadata 'caCert' is no PEM: it begins with -----BEGIN")]
    [InlineData("heartBeat=10", "metadata 'heartBeat' is at least 1s, or 0 for none, not '10'")]
    [InlineData("ttlInSeconds=-1", "metadata 'ttlInSeconds' is not a positive number of seconds: '-1'")]
    public async Task Wrong_metadata_is_named(string metadata, string message) =>
        Assert.Equal(message, (await Assert.ThrowsAsync<ComponentException>(() => Vhost.Create("pubsub.rabbitmq", metadata).InitAsync(default))).Message);

    [Fact]
    public async Task A_wrong_password_is_not_shown()
    {
        var server = await Servers.RabbitMqAsync();
        var error = await FailAsync<ComponentException>($"amqp://{server.User}:s3cret@127.0.0.1:{server.Port}");
        Assert.Contains($"amqp://127.0.0.1:{server.Port} refused user '{server.User}' or its password", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_virtual_host_is_named()
    {
        var error = await FailAsync<ComponentException>((await Servers.RabbitMqAsync()).AmqpUri("nowhere"));
        Assert.Contains("not into virtual host 'nowhere'", error.Message, StringComparison.Ordinal);
        Assert.Contains("rabbitmqctl add_vhost", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_there_is_an_absence_that_may_pass()
    {
        var port = FreePort.Next();

        var error = await FailAsync<IOException>($"amqp://guest:s3cret@127.0.0.1:{port}");

        Assert.IsType<SocketException>(error.InnerException);
        Assert.Contains($"no connection to amqp://127.0.0.1:{port}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_accepts_and_never_answers_is_reported_in_time()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        var error = await FailAsync<ComponentException>($"amqp://guest:s3cret@127.0.0.1:{port}", "connectTimeout=500ms");

        Assert.Contains($"amqp://127.0.0.1:{port} took the connection and did not answer within connectTimeout (0.5 s)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("-ERR unknown command 'AMQP'\r\n")]
    public async Task Another_server_is_told_from_RabbitMQ(string answer)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var serving = AnswerAsync(listener, answer);

        var error = await FailAsync<ComponentException>($"amqp://guest:s3cret@127.0.0.1:{port}");
        await serving;

        Assert.Contains($"what listens at amqp://127.0.0.1:{port} does not speak AMQP 0-9-1", error.Message, StringComparison.Ordinal);
    }

    /// <summary>As RabbitMQ does while it boots: the sidecar tries again, which only an <see cref="IOException"/> makes it do.</summary>
    [Fact]
    public async Task A_server_that_hangs_up_without_a_word_may_be_one_that_boots()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var serving = AnswerAsync(listener, "");

        var error = await FailAsync<IOException>($"amqp://guest:s3cret@127.0.0.1:{port}");
        await serving;

        Assert.Contains(
            $"amqp://127.0.0.1:{port} took the connection and closed it without a word: is this the port of RabbitMQ, and has it booted?", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_old_server_is_refused()
    {
        var server = await Servers.RabbitMqAsync();
        await using var proxy = new VersionProxy(server.Port, "3.10.8", "3.6.16");

        var error = await FailAsync<ComponentException>($"amqp://{server.User}:{server.Password}@127.0.0.1:{proxy.Port}");

        Assert.Equal($"amqp://127.0.0.1:{proxy.Port} is RabbitMQ 3.6.16: 3.8 or a later one is needed", error.Message);
    }

    [Fact]
    public async Task A_queue_with_other_arguments_is_named_with_what_to_do()
    {
        await using var vhost = await Vhost.CreateAsync();
        var broker = await vhost.PubSubAsync();
        await (await new Consumer().SubscribeAsync(broker, "queueType=classic")).DisposeAsync();

        var error = await Assert.ThrowsAsync<ComponentException>(() => new Consumer().SubscribeAsync(broker, "queueType=quorum"));

        Assert.StartsWith($"pubsub cannot subscribe to topic '{Vhost.Topic}': the queue 'app-{Vhost.Topic}' at amqp://127.0.0.1:", error.Message, StringComparison.Ordinal);
        Assert.Contains("exists with another x-queue-type (received 'quorum' but current is 'classic'): make 'queueType' equal", error.Message, StringComparison.Ordinal);
        Assert.Contains($"rabbitmqctl delete_queue app-{Vhost.Topic}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exchange_of_another_kind_is_named_and_other_topics_go_on()
    {
        await using var vhost = await Vhost.CreateAsync();
        var consumer = new Consumer();
        var broker = await vhost.PubSubAsync();
        await using var subscription = await consumer.SubscribeAsync(broker);
        var other = await vhost.PubSubAsync("exchangeKind=topic;mandatory=false");

        var error = await Assert.ThrowsAsync<ComponentException>(async () => await other.PublishAsync(Vhost.Topic, Vhost.Message("x"), default));
        await other.PublishAsync("another-topic", Vhost.Message("x"), default);
        await broker.PublishAsync(Vhost.Topic, Vhost.Message("x"), default);

        Assert.Contains($"the exchange '{Vhost.Topic}' at {"amqp://127.0.0.1:"}", error.Message, StringComparison.Ordinal);
        Assert.Contains("make 'exchangeKind' equal", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_quorum_queue_that_would_go_with_its_consumer_is_refused()
    {
        await using var vhost = await Vhost.CreateAsync();
        var broker = await vhost.PubSubAsync("deletedWhenUnused=true");
        var error = await Assert.ThrowsAsync<ComponentException>(() => new Consumer().SubscribeAsync(broker));
        Assert.Contains("queueType 'quorum' needs the component's metadata 'durable' true and 'deletedWhenUnused' false", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".*", "may not publish to exchange 'something-happened'")]
    [InlineData("^$", "does not allow it to user 'limited'")]
    public async Task A_missing_permission_is_named_and_other_topics_go_on(string configure, string message)
    {
        await using var vhost = await Vhost.CreateAsync();
        var server = vhost.Server;
        (await server.Management.PutAsJsonAsync("users/limited", new { password = "s3cret", tags = "" })).EnsureSuccessStatusCode();
        (await server.Management.PutAsJsonAsync($"permissions/{vhost.Name}/limited", new { configure, write = "^allowed.*", read = ".*" })).EnsureSuccessStatusCode();
        (await server.Management.PutAsJsonAsync($"exchanges/{vhost.Name}/{Vhost.Topic}", new { type = "fanout", durable = true })).EnsureSuccessStatusCode();
        await using var broker = await Vhost.ConnectAsync($"amqp://limited:s3cret@127.0.0.1:{server.Port}/{vhost.Name}", "app", "mandatory=false;publishTimeout=1m");

        var refused = Assert.ThrowsAnyAsync<Exception>(async () => await broker.PublishAsync(Vhost.Topic, Vhost.Message("x"), default));
        if (configure == ".*")
        {
            // The refusal closes the channel under what others publish.
            await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ => await broker.PublishAsync("allowed", Vhost.Message("x"), default)));
        }

        Assert.Contains(message, (await refused).Message, StringComparison.Ordinal);
    }

    /// <summary>Reads the protocol header that a client begins with, answers and hangs up.</summary>
    private static async Task AnswerAsync(TcpListener listener, string answer)
    {
        using var client = await listener.AcceptTcpClientAsync();
        await client.GetStream().ReadExactlyAsync(new byte[8]);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer));
    }

    private static async Task<TException> FailAsync<TException>(string address, string metadata = "") where TException : Exception
    {
        await using var component = Vhost.Create("pubsub.rabbitmq", $"connectionString={address};connectTimeout=60s;{metadata}");
        var error = await Assert.ThrowsAsync<TException>(() => component.InitAsync(default));
        Assert.DoesNotContain("s3cret", error.ToString(), StringComparison.Ordinal);
        return error;
    }
}
