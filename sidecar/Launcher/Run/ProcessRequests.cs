using Launcher.Data;

namespace Launcher.Run;

/// <summary>
/// Requests of <c>daprw restart NAME</c>, of <c>daprw stop --app-id NAME</c> and of apps that shut down (<c>SidecarRun.RequestStop</c>): files <c>run/restart-NAME</c> and <c>run/stop-NAME</c>, which the run
/// removes when it acts. Files are looked for, not watched: a watch needs system resources that a developer's machine may have run out of.
/// </summary>
internal sealed class ProcessRequests(DataDirectory data, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    public static void Make(DataDirectory data, ProcessRequest request, string name) => File.WriteAllText(FileFor(data, request, name), "");

    /// <summary>Runs until cancelled. Requests from before this run are dropped.</summary>
    public async Task WatchAsync(IReadOnlyList<Supervised> processes, CancellationToken cancellationToken)
    {
        foreach (var (process, request) in Pairs(processes))
        {
            File.Delete(FileFor(data, request, process.Name));
        }

        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            foreach (var (process, request) in Pairs(processes))
            {
                var file = FileFor(data, request, process.Name);
                if (File.Exists(file))
                {
                    File.Delete(file);
                    process.Ask(request);
                }
            }
        }
    }

    private static IEnumerable<(Supervised Process, ProcessRequest Request)> Pairs(IReadOnlyList<Supervised> processes) =>
        processes.SelectMany(process => Enum.GetValues<ProcessRequest>(), (process, request) => (process, request));

    private static string FileFor(DataDirectory data, ProcessRequest request, string name) =>
        Path.Combine(data.Run, $"{(request is ProcessRequest.Stop ? "stop" : "restart")}-{name}");
}

/// <summary>What another verb asks of one process of a run.</summary>
internal enum ProcessRequest
{
    /// <summary>End in order and start again; also the way back from <see cref="Stop"/>.</summary>
    Restart,

    /// <summary>End in order and stay away.</summary>
    Stop,
}
