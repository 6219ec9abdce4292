using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using LocalServers.Processes;

namespace LocalServers;

/// <summary>What differs from a RabbitMQ on free ports with the user <c>tandem</c> and a password of its own.</summary>
public sealed record RabbitMqServerOptions
{
    /// <summary>AMQP; 0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>HTTP API and web page; 0 takes a free one.</summary>
    public int ManagementPort { get; init; }

    /// <summary>Administrator, made at the first start.</summary>
    public string User { get; init; } = "tandem";

    /// <summary>Null makes one.</summary>
    public string? Password { get; init; }

    /// <summary>More lines of rabbitmq.conf.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>The script itself: the one in PATH of Debian changes to the user rabbitmq, who owns neither our directories nor our HOME.</summary>
    public string Executable { get; init; } = "/usr/lib/rabbitmq/bin/rabbitmq-server";
}

/// <summary>
/// A private RabbitMQ node with the management plugin. HOME (the Erlang cookie), the port mapper and every directory are its own, so it shares
/// nothing with another node of this machine; for the same reason its node name can be the same everywhere, and the directory can be moved.
/// The node notes down every half second which quorum queues it has: one that is killed sooner after a declaration does not find that queue again.
/// </summary>
public sealed class RabbitMqServer : LocalServer
{
    /// <summary>
    /// The port mapper (epmd) would otherwise be started as a daemon that outlives the node. As a child of the process that becomes the node it
    /// ends with it.
    /// </summary>
    private const string Start =
        """
        epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" &
        exec "$1"
        """;

    private const byte MethodFrame = 1;

    private readonly RabbitMqServerOptions _options;

    public RabbitMqServer(string directory, RabbitMqServerOptions? options = null)
        : base(directory, options?.Port ?? 0)
    {
        _options = options ?? new RabbitMqServerOptions();
        ManagementPort = _options.ManagementPort == 0 ? FreePort.Next() : _options.ManagementPort;
        Password = _options.Password ?? LocalServers.Password.New();
        Management = new HttpClient { BaseAddress = new Uri($"http://{Host}:{ManagementPort}/api/") };
        Management.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{Password}")));
    }

    /// <inheritdoc/>
    public override string Name => "rabbitmq";

    /// <inheritdoc/>
    public override string Package => "rabbitmq-server";

    /// <inheritdoc/>
    public override string? Missing => Installed.Find(_options.Executable) is null
        ? $"{_options.Executable} is not installed: {InstallCommand}"
        : null;

    /// <summary>Port of <see cref="Management"/>.</summary>
    public int ManagementPort { get; }

    /// <summary>Administrator.</summary>
    public string User => _options.User;

    /// <summary>Of <see cref="User"/>.</summary>
    public string Password { get; }

    /// <summary>The HTTP API, signed in; addresses are relative to <c>/api/</c>.</summary>
    public HttpClient Management { get; }

    /// <summary>Where clients connect, with user and password.</summary>
    public string AmqpUri(string vhost = "/") =>
        $"amqp://{Uri.EscapeDataString(User)}:{Uri.EscapeDataString(Password)}@{Host}:{Port}/{Uri.EscapeDataString(vhost)}";

    /// <summary>Makes a virtual host in which <see cref="User"/> may do everything, and returns its address.</summary>
    public async Task<string> CreateVhostAsync(string name, CancellationToken cancellationToken = default)
    {
        var vhost = Uri.EscapeDataString(name);
        using var made = await Management.PutAsync($"vhosts/{vhost}", null, cancellationToken);
        made.EnsureSuccessStatusCode();
        using var allowed = await Management.PutAsJsonAsync(
            $"permissions/{vhost}/{Uri.EscapeDataString(User)}", new { configure = ".*", write = ".*", read = ".*" }, cancellationToken);
        allowed.EnsureSuccessStatusCode();
        return AmqpUri(name);
    }

    /// <summary>Declares the exchanges, queues, bindings and policies of a definitions file in one virtual host.</summary>
    public async Task ImportAsync(string definitions, string vhost = "/", CancellationToken cancellationToken = default)
    {
        using var body = new StringContent(definitions, Encoding.UTF8, "application/json");
        using var answer = await Management.PostAsync($"definitions/{Uri.EscapeDataString(vhost)}", body, cancellationToken);
        if (!answer.IsSuccessStatusCode)
        {
            throw new LocalServerException(
                $"rabbitmq on {Host}:{Port} does not take the definitions: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellationToken)}");
        }
    }

    private protected override Task<ServerCommand> PrepareAsync(CancellationToken cancellationToken)
    {
        var home = Directory.CreateDirectory(Path.Combine(DataDirectory, "home")).FullName;
        var configuration = Path.Combine(DataDirectory, "rabbitmq.conf");
        var plugins = Path.Combine(DataDirectory, "enabled_plugins");
        PrivateText.Write(configuration, string.Join('\n', (string[])
        [
            $"listeners.tcp.1 = {Host}:{Port}",
            $"management.tcp.ip = {Host}",
            $"management.tcp.port = {ManagementPort}",
            $"default_user = {User}",
            $"default_pass = {Password}",
            "vm_memory_high_watermark.absolute = 512MB",
            "disk_free_limit.absolute = 50MB",
            "log.console = true",
            "log.console.level = warning",
            "log.file = false",
            .. _options.Settings,
        ]) + "\n");
        PrivateText.Write(plugins, "[rabbitmq_management].\n");
        return Task.FromResult(new ServerCommand(["/bin/sh", "-c", Start, "sh", _options.Executable], new Dictionary<string, string>
        {
            ["HOME"] = home,
            ["RABBITMQ_NODENAME"] = "tandem@localhost",
            ["RABBITMQ_MNESIA_BASE"] = Path.Combine(DataDirectory, "mnesia"),
            ["RABBITMQ_LOG_BASE"] = Path.Combine(DataDirectory, "log"),
            ["RABBITMQ_CONFIG_FILE"] = configuration,
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = plugins,
            ["RABBITMQ_PID_FILE"] = Path.Combine(DataDirectory, "node.pid"),
            ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
            ["RABBITMQ_DIST_PORT"] = $"{FreePort.Next()}",
            ["ERL_EPMD_PORT"] = $"{FreePort.Next()}",
            ["ERL_EPMD_ADDRESS"] = Host,
            // No busy waiting: the machine belongs to the developer.
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }));
    }

    private protected override async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        using var answer = await Management.GetAsync("vhosts", cancellationToken);
        return answer.StatusCode == HttpStatusCode.OK && await GreetsAsync(cancellationToken);
    }

    /// <summary>
    /// Whether the broker speaks to a client. Its port is open before that, and a connection of that moment is closed without a word: only the
    /// first frame (AMQP 0-9-1 §4.2.2: connection.start after the protocol header) says that the next client is served.
    /// </summary>
    private async Task<bool> GreetsAsync(CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Port, cancellationToken);
        await client.GetStream().WriteAsync("AMQP\0\0\u0009\u0001"u8.ToArray(), cancellationToken);
        var type = new byte[1];
        return await client.GetStream().ReadAsync(type, cancellationToken) == 1 && type[0] == MethodFrame;
    }
}
