using System.Diagnostics;
using Launcher.Logs;

namespace Launcher.Processes;

/// <summary>What to start.</summary>
/// <param name="Command">Program and arguments; the program is looked up in PATH.</param>
/// <param name="Directory">Working directory.</param>
/// <param name="Environment">Added to what the launcher has.</param>
internal sealed record ChildSpec(IReadOnlyList<string> Command, string Directory, IReadOnlyDictionary<string, string> Environment);

/// <summary>One running process and its output.</summary>
internal sealed class Child : IDisposable
{
    /// <summary>
    /// Ctrl-C and a closed terminal reach every process of the group; the children leave both to the launcher, which stops them in order.
    /// exec keeps the pid. The line on standard input is the start signal: without it (the launcher died) nothing starts.
    /// </summary>
    private const string Start = """trap "" INT HUP; read -r go || exit 1; exec "$@" </dev/null""";

    /// <summary>How long output is awaited after the exit; a grandchild may keep the pipe open for ever.</summary>
    private static readonly TimeSpan OutputGrace = TimeSpan.FromSeconds(1);

    private readonly Process _process;

    private Child(Process process, Guard guard, ProcessLog log)
    {
        _process = process;
        Pid = process.Id;
        Exited = WaitAsync(guard, log);
    }

    public int Pid { get; }

    /// <summary>Completes when the process has ended and its output has been read.</summary>
    public Task<ExitStatus> Exited { get; }

    public static Child Run(ChildSpec spec, Guard guard, ProcessLog log)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", Start, "sh", .. spec.Command])
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

    public void Signal(int signal)
    {
        if (!_process.HasExited)
        {
            Libc.Signal(Pid, signal);
        }
    }

    /// <summary>TERM, then KILL after <paramref name="grace"/> or as soon as <paramref name="hurry"/> is cancelled.</summary>
    public async Task StopAsync(TimeSpan grace, TimeProvider time, CancellationToken hurry)
    {
        Signal(Libc.SigTerm);
        try
        {
            await Exited.WaitAsync(grace, time, hurry);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            Signal(Libc.SigKill);
            await Exited;
        }
    }

    public void Dispose() => _process.Dispose();

    private async Task<ExitStatus> WaitAsync(Guard guard, ProcessLog log)
    {
        var output = Task.WhenAll(PumpAsync(_process.StandardOutput, log), PumpAsync(_process.StandardError, log));
        await _process.WaitForExitAsync();
        guard.Remove(Pid);
        await Task.WhenAny(output, Task.Delay(OutputGrace));
        return new ExitStatus(_process.ExitCode);
    }

    private static async Task PumpAsync(StreamReader reader, ProcessLog log)
    {
        // Off the caller's thread: a first read may complete at once.
        await Task.Yield();
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                log.Write(line);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Left behind after OutputGrace.
        }
    }
}
