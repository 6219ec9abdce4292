using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Launcher.Data;
using Launcher.Run;
using Launcher.Servers;
using LocalServers;

namespace Launcher.Commands;

/// <summary><c>daprw up-servers</c>, <c>servers</c> and <c>down-servers</c>.</summary>
internal static class ServerVerbs
{
    public static IEnumerable<Command> Create(Func<ParseResult, DataDirectory> data, Option<string> file)
    {
        var names = new Argument<string[]>("names") { Description = "redis, rabbitmq, postgresql; all when left out", Arity = ArgumentArity.ZeroOrMore };
        names.AcceptOnlyFromAmong([.. PrivateServers.Names]);
        var install = new Option<bool>("--install") { Description = "Install what is missing with apt-get (as root)" };
        var delete = new Option<bool>("--delete") { Description = "Delete their data and passwords as well" };

        var up = new Command("up-servers", "Start private Redis, RabbitMQ and PostgreSQL on this machine; they go on when this verb ends") { names, install, file };
        up.SetAction((parsed, cancellationToken) => UpAsync(data(parsed), Chosen(parsed.GetValue(names)), parsed.GetValue(install), cancellationToken));

        var down = new Command("down-servers", "Stop private servers; their data stays") { names, delete, file };
        down.SetAction((parsed, _) => DownAsync(data(parsed), Chosen(parsed.GetValue(names)), parsed.GetValue(delete)));

        var list = new Command("servers", "Show the private servers") { file };
        list.SetAction(parsed => List(data(parsed)));
        return [up, down, list];
    }

    private static async Task<int> UpAsync(DataDirectory data, IReadOnlyList<string> names, bool install, CancellationToken cancellationToken)
    {
        data.Create();
        Directory.CreateDirectory(data.Servers, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using var gate = LockFile.TryTake(Path.Combine(data.Servers, "lock"))
            ?? throw new LauncherException($"another './daprw up-servers' or 'down-servers' works on {data.Servers}: wait for it");
        var servers = new PrivateServers(data);
        var chosen = names.Select(servers.Open).ToList();
        await InstalledAsync(chosen, install, cancellationToken);
        // RabbitMQ takes ten times as long as the others.
        await Task.WhenAll(chosen.Select(async server =>
        {
            var ran = server.Pid is not null;
            await servers.StartAsync(server, cancellationToken);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{server.Name} {(ran ? "runs" : "started")} on {server.Host}:{server.Port}, pid {server.Pid}, data in {server.DataDirectory}"));
        }));

        Console.WriteLine($"passwords are in {data.Servers}/NAME/server.json; stop with './daprw down-servers {string.Join(' ', names)}'");
        return 0;
    }

    private static async Task<int> DownAsync(DataDirectory data, IReadOnlyList<string> names, bool delete)
    {
        if (!Directory.Exists(data.Servers))
        {
            Console.WriteLine($"no servers in {data.Servers}");
            return 0;
        }

        using var gate = LockFile.TryTake(Path.Combine(data.Servers, "lock"))
            ?? throw new LauncherException($"another './daprw up-servers' or 'down-servers' works on {data.Servers}: wait for it");
        var servers = new PrivateServers(data);
        await Task.WhenAll(names.Select(async name =>
        {
            if (servers.Running(name) is { } server)
            {
                await server.StopAsync();
                Console.WriteLine($"{name} stopped");
            }

            if (delete)
            {
                servers.Delete(name);
            }
        }));
        return 0;
    }

    private static int List(DataDirectory data)
    {
        var servers = new PrivateServers(data);
        List<string[]> rows = [["name", "state", "address", "pid", "log"]];
        rows.AddRange(PrivateServers.Names.Select(name => servers.Known(name) is not { } server ? [name, "never started", "-", "-", "-"] : (string[])
        [
            name,
            server.TryAttach() ? "runs" : "stopped",
            string.Create(CultureInfo.InvariantCulture, $"{server.Host}:{server.Port}"),
            server.Pid?.ToString(CultureInfo.InvariantCulture) ?? "-",
            server.Log,
        ]));
        foreach (var line in ReadyTable.Layout(rows))
        {
            Console.WriteLine(line);
        }

        return 0;
    }

    /// <summary>Installs what is missing when asked, else says how to.</summary>
    private static async Task InstalledAsync(IReadOnlyList<LocalServer> servers, bool install, CancellationToken cancellationToken)
    {
        var missing = servers.Where(server => server.Missing is not null).ToList();
        if (missing.Count == 0)
        {
            return;
        }

        if (!install)
        {
            throw new LauncherException($"{string.Join("; ", missing.Select(server => server.Missing))} (or give --install as root)");
        }

        if (!Environment.IsPrivilegedProcess)
        {
            throw new LauncherException($"only root can install: {string.Join("; ", missing.Select(server => server.Missing))}");
        }

        var packages = missing.Select(server => server.Package).ToList();
        Console.WriteLine($"installing {string.Join(", ", packages)}");
        string[] command = ["install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", .. packages];
        var (code, output) = await AptAsync(command, cancellationToken);
        if (code != 0)
        {
            // Perhaps the lists of packages are too old.
            await AptAsync(["update", "-q"], cancellationToken);
            (code, output) = await AptAsync(command, cancellationToken);
        }

        if (code != 0)
        {
            throw new LauncherException($"apt-get {string.Join(' ', command)} exited with code {code}: {output.Trim().Split('\n')[^1]}");
        }
    }

    private static async Task<(int Code, string Output)> AptAsync(string[] arguments, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo("apt-get", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DEBIAN_FRONTEND"] = "noninteractive" },
        })!;
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, await output + await errors);
    }

    private static IReadOnlyList<string> Chosen(string[]? names) => names is { Length: > 0 } ? [.. names.Distinct()] : PrivateServers.Names;
}
