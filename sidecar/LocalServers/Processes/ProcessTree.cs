using System.Globalization;

namespace LocalServers.Processes;

/// <summary>What the kernel says about processes in /proc. Elsewhere (macOS) a server is taken for its one process.</summary>
internal static class ProcessTree
{
    private static readonly bool HasProc = Directory.Exists("/proc/self");

    /// <summary>Empty when the process is gone or only waits to be collected; else a text that another process with the same id would not have.</summary>
    public static string Born(int pid)
    {
        if (!HasProc)
        {
            return Libc.Exists(pid) ? "alive" : "";
        }

        // Field 3 is the state, 20 the number of threads, 22 the start time in ticks since boot; the name before them may contain anything. The first
        // thread may be gone while others still hold the ports and files.
        return Fields(pid) is { Length: > 19 } fields && (fields[0] is not ("Z" or "X") || fields[17] is not ("0" or "1")) ? fields[19] : "";
    }

    /// <summary>The process and all it has started that has not left it, itself first.</summary>
    public static IReadOnlyList<int> Of(int root)
    {
        var tree = new List<int> { root };
        if (HasProc)
        {
            var children = Directory.EnumerateDirectories("/proc")
                .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid) ? pid : 0)
                .Where(pid => pid > 0)
                .ToLookup(pid => Fields(pid) is { Length: > 1 } fields ? int.Parse(fields[1], CultureInfo.InvariantCulture) : 0);
            for (var index = 0; index < tree.Count; index++)
            {
                tree.AddRange(children[tree[index]]);
            }
        }

        return tree;
    }

    /// <summary>Whether every thread of a process has obeyed SIGSTOP, as far as that can be told.</summary>
    public static bool IsStopped(int pid)
    {
        try
        {
            return !HasProc || Directory.EnumerateDirectories($"/proc/{pid}/task").All(thread => Stat($"{thread}/stat") is [] or ["T" or "Z" or "X", ..]);
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
    }

    private static string[] Fields(int pid) => Stat($"/proc/{pid}/stat");

    /// <summary>The fields of a stat file from the third on; none when what it tells of is gone.</summary>
    private static string[] Stat(string path)
    {
        try
        {
            var stat = Libc.ReadUnlocked(path);
            return stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (IOException)
        {
            // It ended between open and read.
            return [];
        }
    }
}
