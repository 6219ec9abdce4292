using System.Diagnostics;
using System.Globalization;

namespace LocalServers.Processes;

/// <summary>A running server and what it has started itself.</summary>
internal sealed class ServerProcess
{
    /// <summary>
    /// The line on standard input is the start signal: the guard knows the pid by then. setsid makes it the leader of a session, so that Ctrl-C
    /// and a closed terminal do not reach it; exec keeps the pid.
    /// </summary>
    private const string Shell =
        """
        read -r go || exit 1
        exec </dev/null >>"$1" 2>&1
        shift
        if command -v setsid >/dev/null; then exec setsid "$@"; fi
        exec "$@"
        """;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    /// <summary>A thread that writes to a slow disk obeys when it has written.</summary>
    private static readonly TimeSpan FreezeTimeout = TimeSpan.FromSeconds(30);

    private readonly Guard? _guard;

    /// <summary>Start time of the process in the words of the kernel: another process may get the same pid later.</summary>
    private readonly string _born;

    private ServerProcess(int pid, string born, Guard? guard)
    {
        Pid = pid;
        _born = born;
        _guard = guard;
    }

    public int Pid { get; }

    public bool IsDaemon => _guard is null;

    public bool IsAlive => ProcessTree.Born(Pid) == _born;

    public static ServerProcess Start(ServerCommand command, string directory, string log, bool daemon)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", Shell, "sh", log, .. command.Command]) { WorkingDirectory = directory, RedirectStandardInput = true };
        foreach (var (name, value) in command.Environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var guard = daemon ? null : new Guard();
        guard?.Add(process.Id);
        var server = new ServerProcess(process.Id, ProcessTree.Born(process.Id), guard);
        if (daemon)
        {
            File.WriteAllText(PidFile(directory), string.Create(CultureInfo.InvariantCulture, $"{server.Pid} {server._born}\n"));
        }

        process.StandardInput.WriteLine("go");
        process.StandardInput.Close();
        return server;
    }

    /// <summary>The daemon that was started in this directory, if it still runs.</summary>
    public static ServerProcess? Find(string directory)
    {
        var words = Libc.ReadUnlocked(PidFile(directory)).Split(' ', 2, StringSplitOptions.TrimEntries);
        return words.Length == 2 && int.TryParse(words[0], CultureInfo.InvariantCulture, out var pid) && new ServerProcess(pid, words[1], null) is { IsAlive: true } found
            ? found
            : null;
    }

    /// <summary>To the server and everything it has started.</summary>
    public void Signal(int signal)
    {
        if (IsAlive)
        {
            foreach (var pid in ProcessTree.Of(Pid))
            {
                Libc.Signal(pid, signal);
            }
        }
    }

    /// <summary>SIGSTOP to all of them. Returns when they stand still: the kernel takes a signal at once, and each thread obeys it when it runs the next time.</summary>
    public async Task FreezeAsync()
    {
        for (var begin = Stopwatch.GetTimestamp(); IsAlive; await Task.Delay(Interval))
        {
            // Looked up again each time, and once more at the end: one that was still running may have started another.
            var tree = ProcessTree.Of(Pid);
            foreach (var pid in tree)
            {
                Libc.Signal(pid, Libc.SigStop);
            }

            if (tree.All(ProcessTree.IsStopped) && ProcessTree.Of(Pid).SequenceEqual(tree))
            {
                return;
            }

            if (Stopwatch.GetElapsedTime(begin) > FreezeTimeout)
            {
                throw new LocalServerException($"process {Pid} does not stand still {FreezeTimeout.TotalSeconds} s after SIGSTOP");
            }
        }
    }

    public async Task StopAsync(int signal, TimeSpan timeout)
    {
        if (IsAlive)
        {
            var tree = ProcessTree.Of(Pid);
            Libc.Signal(Pid, Libc.SigCont);
            Libc.Signal(Pid, signal);
            for (var begin = Stopwatch.GetTimestamp(); IsAlive && Stopwatch.GetElapsedTime(begin) < timeout;)
            {
                await Task.Delay(Interval);
            }

            await KillAsync(tree);
        }

        Unguard();
    }

    public async Task KillAsync()
    {
        if (IsAlive)
        {
            // Who stands still starts nothing that would outlive it.
            Libc.Signal(Pid, Libc.SigStop);
            for (var begin = Stopwatch.GetTimestamp(); IsAlive && !ProcessTree.IsStopped(Pid) && Stopwatch.GetElapsedTime(begin) < FreezeTimeout;)
            {
                await Task.Delay(Interval);
            }

            await KillAsync(ProcessTree.Of(Pid));
        }

        Unguard();
    }

    private void Unguard()
    {
        _guard?.Remove(Pid);
        _guard?.Dispose();
    }

    private static async Task KillAsync(IReadOnlyList<int> tree)
    {
        foreach (var pid in tree)
        {
            Libc.Signal(pid, Libc.SigKill);
        }

        while (tree.Any(pid => ProcessTree.Born(pid).Length > 0))
        {
            await Task.Delay(Interval);
        }
    }

    private static string PidFile(string directory) => Path.Combine(directory, "server.pid");
}
