using System.Globalization;
using Launcher.Access;
using Launcher.Data;
using Launcher.Run;
using LocalServers.Processes;

namespace Launcher.Commands;

/// <summary>Verbs about a run that another launcher holds, or about its data.</summary>
internal static class OtherCommands
{
    /// <summary>A run stops its apps and its sidecar within 10 s each; beyond that something is wrong.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    /// <summary>TERM, new start and warm-up of one process.</summary>
    private static readonly TimeSpan RestartLimit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary><c>daprw stop</c>: returns when nothing of the run is left.</summary>
    public static async Task<int> StopAsync(DataDirectory data, TimeProvider time, CancellationToken cancellationToken)
    {
        var pid = Running(data).LauncherPid;
        Libc.Signal(pid, Libc.SigTerm);
        await UntilAsync(() => !Libc.Exists(pid), StopLimit, $"the run with pid {pid} does not stop: end it with 'kill -9 {pid}'", time, cancellationToken);
        return 0;
    }

    /// <summary><c>daprw stop --app-id</c>: returns when the instances of these apps are gone. The run ends with its last app.</summary>
    public static async Task<int> StopAppsAsync(DataDirectory data, IReadOnlyList<string> names, TimeProvider time, CancellationToken cancellationToken)
    {
        var state = Running(data);
        var chosen = names.SelectMany(name => Named(state, name)).Distinct().ToList();
        chosen.ForEach(process => ProcessRequests.Make(data, ProcessRequest.Stop, process.Name));
        foreach (var process in chosen)
        {
            await UntilAsync(
                () => RunState.Live(data) is not { } now || now.Processes.Any(other => other.Name == process.Name && other.Pid is null),
                StopLimit, $"{process.Name} does not stop: see {process.Log}", time, cancellationToken);
            Console.WriteLine($"{process.Name} stopped; './daprw restart {process.Name}' starts it again");
        }

        return 0;
    }

    /// <summary><c>daprw restart NAME</c>: one process, or all instances of an app one after the other, each ready before the next.</summary>
    public static async Task<int> RestartAsync(DataDirectory data, string name, TimeProvider time, CancellationToken cancellationToken)
    {
        var state = Running(data);
        var chosen = Named(state, name);
        using var readiness = new Readiness(time);
        foreach (var process in chosen)
        {
            ProcessRequests.Make(data, ProcessRequest.Restart, process.Name);
            var problem = $"{process.Name} did not come back: see {process.Log}";
            await UntilAsync(() => NewPid(data, process) is not null, RestartLimit, problem, time, cancellationToken);
            try
            {
                // Whatever port answers for it: its own, or for the sidecar those of all instances.
                var ports = process.AppId is null ? state.Processes.Select(other => other.HttpPort).ToList() : [process.AppPort];
                await Task.WhenAll(ports.OfType<int>().Select(port =>
                    process.AppId is null ? readiness.SidecarAsync(port, cancellationToken) : readiness.AppAsync(port, health: null, cancellationToken)))
                    .WaitAsync(RestartLimit, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                throw new LauncherException($"{process.Name} runs but is not ready: see {process.Log}");
            }

            Console.WriteLine($"{process.Name} restarted with pid {Text(NewPid(data, process))}");
        }

        return 0;
    }

    /// <summary><c>daprw reset</c>: deletes what the run stored, keeps secrets and logs.</summary>
    public static int Reset(DataDirectory data, bool yes)
    {
        if (!Directory.Exists(data.Root))
        {
            return 0;
        }

        using var runLock = RunLock.Take(data);
        if (!yes && !Confirmed($"delete {data.Store} and {data.Objects}? [y/N] "))
        {
            throw new LauncherException("nothing deleted; answer y, or give --yes");
        }

        foreach (var folder in (string[])[data.Store, data.Objects])
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        Console.WriteLine($"deleted {data.Store} and {data.Objects}");
        return 0;
    }

    /// <summary>Asks on the terminal; no answer is a no.</summary>
    public static bool Confirmed(string question)
    {
        Console.Write(question);
        return Console.ReadLine()?.Trim() is "y" or "Y" or "yes";
    }

    /// <summary>The run in progress, or one line that says that there is none.</summary>
    private static RunState Running(DataDirectory data) => RunState.Live(data) ?? throw SidecarAccess.NothingRuns(data);

    /// <summary>The process of that name, or all instances of that app.</summary>
    private static List<RunProcess> Named(RunState state, string name) =>
        state.Processes.Where(process => process.Name == name || process.AppId == name).ToList() is { Count: > 0 } chosen
            ? chosen
            : throw new LauncherException($"nothing is named '{name}'; there are {string.Join(", ", state.Processes.Select(process => process.Name))}");

    private static int? NewPid(DataDirectory data, RunProcess old) =>
        RunState.Read(data)?.Processes.FirstOrDefault(process => process.Name == old.Name)?.Pid is { } pid && pid != old.Pid ? pid : null;

    /// <summary>Other processes give no signal here, so their traces are looked at ten times a second.</summary>
    private static async Task UntilAsync(Func<bool> done, TimeSpan limit, string problem, TimeProvider time, CancellationToken cancellationToken)
    {
        var begin = time.GetTimestamp();
        while (!done())
        {
            if (time.GetElapsedTime(begin) > limit)
            {
                throw new LauncherException(problem);
            }

            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    private static string Text(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "-";
}
