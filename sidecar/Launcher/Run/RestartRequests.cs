using Launcher.Data;

namespace Launcher.Run;

/// <summary>
/// Requests of <c>daprw restart NAME</c>: a file <c>run/restart-NAME</c>, which the run removes when it acts. Files are looked for, not watched:
/// a watch needs system resources that a developer's machine may have run out of.
/// </summary>
internal sealed class RestartRequests(DataDirectory data, TimeProvider time)
{
    private const string Prefix = "restart-";
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    public static string FileFor(DataDirectory data, string name) => Path.Combine(data.Run, Prefix + name);

    /// <summary>Runs until cancelled. Requests from before this run are dropped.</summary>
    public async Task WatchAsync(IReadOnlyList<Supervised> processes, CancellationToken cancellationToken)
    {
        foreach (var process in processes)
        {
            File.Delete(FileFor(data, process.Name));
        }

        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            foreach (var process in processes)
            {
                var file = FileFor(data, process.Name);
                if (File.Exists(file))
                {
                    File.Delete(file);
                    process.Restart();
                }
            }
        }
    }
}
