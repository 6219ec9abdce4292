using System.Net.Sockets;
using System.Text.RegularExpressions;
using Launcher.Data;
using LocalServers;

namespace Launcher.Servers;

/// <summary>
/// The servers that the component files of a run need: named by the caller's environment, or private ones of <c>daprw up-servers</c>, or a Redis
/// at its usual address. A run that lacks one does not begin.
/// </summary>
internal sealed partial class RunServers
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);

    private readonly Dictionary<string, string?> _environment = [];

    private RunServers()
    {
    }

    /// <summary>For the sidecar: addresses and passwords that the files take by <c>envRef</c>.</summary>
    public IReadOnlyDictionary<string, string?> Environment => _environment;

    /// <summary>Puts the address of Redis into the text of a component file; null when it is the one that stands there.</summary>
    public Func<string, string>? Rewrite => _environment.GetValueOrDefault("REDIS_HOST") is { } address && address != ServerKind.RedisAddress
        ? text => text.Replace(ServerKind.RedisAddress, address, StringComparison.Ordinal)
        : null;

    /// <param name="data">Of the run.</param>
    /// <param name="folders">With the component files.</param>
    /// <param name="start">Start what is needed and does not run.</param>
    /// <param name="say">Prints a line.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<RunServers> FindAsync(
        DataDirectory data, IReadOnlyCollection<string> folders, bool start, Action<string> say, CancellationToken cancellationToken)
    {
        var files = folders.SelectMany(folder => Directory.EnumerateFiles(folder)).Where(file => Path.GetExtension(file) is ".yaml" or ".yml")
            .Order(StringComparer.Ordinal).Select(file => (Path: file, Text: File.ReadAllText(file))).ToList();
        var servers = new RunServers();
        foreach (var kind in ServerKind.All)
        {
            if (files.Find(file => file.Text.Contains(kind.Mark, StringComparison.Ordinal)) is { Path: not null } needed)
            {
                await servers.AddAsync(kind, needed.Path, needed.Text, new PrivateServers(data), start, say, cancellationToken);
            }
        }

        if (new PrivateServers(data).Running("rabbitmq") is RabbitMqServer rabbit && servers.Environment.GetValueOrDefault("RABBITMQ_CONNECTION_STRING") == rabbit.AmqpUri())
        {
            await Topology.ImportAsync(rabbit, folders, cancellationToken);
        }

        return servers;
    }

    /// <summary>Addresses and passwords of the private servers that run, for a sidecar whose component files are those of an earlier run.</summary>
    public static IReadOnlyDictionary<string, string?> RunningIn(DataDirectory data) => PrivateServers.Names
        .Select(new PrivateServers(data).Running).OfType<LocalServer>().SelectMany(ServerKind.Variables).ToDictionary();

    private async Task AddAsync(
        ServerKind kind, string file, string text, PrivateServers servers, bool start, Action<string> say, CancellationToken cancellationToken)
    {
        if (System.Environment.GetEnvironmentVariable(kind.Variable) is { Length: > 0 } given)
        {
            // A server of the caller's own; when it does not answer the sidecar says so.
            _environment[kind.Variable] = given;
            return;
        }

        var server = servers.Running(kind.Name);
        if (server is null && start)
        {
            say($"starting {kind.Name}");
            server = servers.Open(kind.Name);
            await servers.StartAsync(server, cancellationToken);
        }

        if (server is not null)
        {
            say($"{kind.Name} is the one of './daprw up-servers' on {server.Host}:{server.Port}");
            foreach (var (name, value) in ServerKind.Variables(server))
            {
                _environment[name] = value;
            }
        }
        else if (kind.Name != "redis" || !await AnswersAsync(cancellationToken))
        {
            var problem = kind.Name == "redis" ? $"at {ServerKind.RedisAddress} and nothing answers there" : $"and {kind.Variable} is not set";
            throw new LauncherException(
                $"component {NameOf().Match(text).Groups["name"].Value} ({file}) needs {kind.Name} {problem}: "
                + $"start one with './daprw up-servers {kind.Name}' or by './daprw run --servers', or name your own in {kind.Variable}");
        }
    }

    private static async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConnectTimeout);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(ServerKind.RedisAddress.Split(':')[0], int.Parse(ServerKind.RedisAddress.Split(':')[1], null), limit.Token);
            return true;
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return false;
        }
    }

    [GeneratedRegex(@"^metadata:\s*\n?\s*\{?\s*name:\s*(?<name>[\w.-]+)", RegexOptions.Multiline)]
    private static partial Regex NameOf();
}
