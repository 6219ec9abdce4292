using Launcher.Data;
using LocalServers.Processes;

namespace Launcher.Run;

/// <summary>
/// Processes of a run whose launcher was killed. The guard is ending them; until they are gone they hold the store and their ports.
/// </summary>
internal static class Leftovers
{
    /// <summary>TERM, 5 s, KILL, and a little more.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Returns when none is left, or after 10 s: a pid may be another process's by now.</summary>
    public static async Task GoneAsync(DataDirectory data, TimeProvider time, CancellationToken cancellationToken)
    {
        var pids = RunState.Read(data)?.Processes.Select(process => process.Pid).OfType<int>().ToList() ?? [];
        for (var begin = time.GetTimestamp(); pids.Exists(IsAlive) && time.GetElapsedTime(begin) < Limit;)
        {
            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    /// <summary>Not an entry that nobody has collected, as in a container without an init process.</summary>
    private static bool IsAlive(int pid) => Libc.Exists(pid) && !Libc.ReadUnlocked($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
}
