using System.Diagnostics;
using Launcher.Logs;
using LocalServers.Processes;

namespace Launcher.Processes;

/// <summary>What to start.</summary>
/// <param name="Command">Program and arguments; the program is looked up in PATH.</param>
/// <param name="Directory">Working directory.</param>
/// <param name="Environment">Added to what the launcher has; null takes a variable away.</param>
internal sealed record ChildSpec(IReadOnlyList<string> Command, string Directory, IReadOnlyDictionary<string, string?> Environment);

/// <summary>One running process, what it has started itself, and its output.</summary>
internal sealed class Child : IDisposable
{
    /// <summary>
    /// Ctrl-C and a closed terminal reach every process of the group; the children leave both to the launcher, which stops them in order.
    /// exec keeps the pid. The line on standard input is the start signal: without it (the launcher died) nothing starts. setsid (part of every
    /// Linux, absent on macOS) makes the process the leader of a group, so that what it starts itself, as <c>dotnet run</c> does, ends with it.
    /// </summary>
    private const string Start =
        """
        trap "" INT HUP
        read -r go || exit 1
        exec </dev/null
        if command -v setsid >/dev/null; then exec setsid "$@"; fi
        exec "$@"
        """;

    /// <summary>
    /// After the exit output is awaited until this many pauses in a row brought no line; a grandchild may keep the pipe open for ever. Counted, not
    /// timed as a whole: a launcher that was held up itself still reads what waits in the pipe.
    /// </summary>
    private const int QuietPauses = 20;

    /// <summary>All pauses together; a grandchild may write for ever, too.</summary>
    private const int MostPauses = 100;

    private static readonly TimeSpan OutputPause = TimeSpan.FromMilliseconds(50);

    /// <summary>A group has no other sign of its end; only looked at while something is left of it.</summary>
    private static readonly TimeSpan GroupInterval = TimeSpan.FromMilliseconds(50);

    private readonly Process _process;
    private volatile bool _stopping;
    private volatile bool _ended;
    private int _lines;

    private Child(Process process, Guard guard, ProcessLog log)
    {
        _process = process;
        Pid = process.Id;
        Exited = WaitAsync(guard, log);
    }

    public int Pid { get; }

    /// <summary>Completes when the process has ended and its output has been read, or is left behind.</summary>
    public Task<ExitStatus> Exited { get; }

    public static Child Run(ChildSpec spec, Guard guard, ProcessLog log)
    {
        // A shell passes on only variables whose names it can read; env(1) sets the others, such as Logging__LogLevel__Microsoft.AspNetCore.
        var unreadable = spec.Environment.Where(entry => entry.Value is not null && !IsShellName(entry.Key)).Select(entry => $"{entry.Key}={entry.Value}").ToList();
        string[] command = unreadable.Count == 0 ? [.. spec.Command] : ["env", .. unreadable, .. spec.Command];
        var start = new ProcessStartInfo("/bin/sh", ["-c", Start, "sh", .. command])
        {
            WorkingDirectory = spec.Directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in spec.Environment)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        guard.Add(process.Id);
        var child = new Child(process, guard, log);
        try
        {
            process.StandardInput.WriteLine("go");
            process.StandardInput.Dispose();
        }
        catch (IOException)
        {
            // The shell ended before it read the line; Exited tells.
        }

        return child;
    }

    /// <summary>TERM, then KILL after <paramref name="grace"/> or as soon as <paramref name="hurry"/> is cancelled.</summary>
    public async Task StopAsync(TimeSpan grace, TimeProvider time, CancellationToken hurry)
    {
        _stopping = true;
        using var limit = new CancellationTokenSource(grace, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, hurry);
        try
        {
            Signal(Libc.SigTerm);
            await Exited.WaitAsync(end.Token);
            while (Libc.SignalGroup(Pid, 0))
            {
                await Task.Delay(GroupInterval, time, end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            Signal(Libc.SigKill);
            await Exited;
        }
    }

    /// <summary>
    /// To the group; to the process alone while (or where) it leads none. May come when the process has ended and this object is disposed.
    /// </summary>
    private void Signal(int signal)
    {
        if (!Libc.SignalGroup(Pid, signal) && !_ended)
        {
            Libc.Signal(Pid, signal);
        }
    }

    public void Dispose() => _process.Dispose();

    private async Task<ExitStatus> WaitAsync(Guard guard, ProcessLog log)
    {
        var output = Task.WhenAll(PumpAsync(_process.StandardOutput, log), PumpAsync(_process.StandardError, log));
        await _process.WaitForExitAsync();
        _ended = true;
        if (!_stopping)
        {
            // It died. What it has started would keep its ports from the next one.
            Libc.SignalGroup(Pid, Libc.SigKill);
        }

        guard.Remove(Pid);
        await DrainAsync(output);
        return new ExitStatus(_process.ExitCode);
    }

    private async Task DrainAsync(Task output)
    {
        var quiet = 0;
        for (var pauses = 0; pauses < MostPauses && quiet < QuietPauses && !output.IsCompleted; pauses++)
        {
            var before = Volatile.Read(ref _lines);
            await Task.WhenAny(output, Task.Delay(OutputPause));
            quiet = Volatile.Read(ref _lines) == before ? quiet + 1 : 0;
        }
    }

    private static bool IsShellName(string name) =>
        name.All(character => char.IsAsciiLetterOrDigit(character) || character == '_') && !char.IsAsciiDigit(name[0]);

    private async Task PumpAsync(StreamReader reader, ProcessLog log)
    {
        // Off the caller's thread: a first read may complete at once.
        await Task.Yield();
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                log.Write(line);
                Interlocked.Increment(ref _lines);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Left behind after the pauses.
        }
    }
}
