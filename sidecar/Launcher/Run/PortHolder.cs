using System.Globalization;

namespace Launcher.Run;

/// <summary>Finds out who listens on a port, from /proc (Linux). Best effort: other users' processes and other systems stay unknown.</summary>
internal static class PortHolder
{
    private const string Listening = "0A";

    /// <summary><c>pid 123 (dotnet Gateway.dll)</c>, or null.</summary>
    public static string? Describe(int port)
    {
        try
        {
            var inodes = Inodes("/proc/net/tcp", port).Concat(Inodes("/proc/net/tcp6", port)).Select(inode => $"socket:[{inode}]").ToHashSet();
            return inodes.Count == 0 ? null : Processes(inodes).FirstOrDefault();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Rows: <c>sl local_address rem_address st … uid timeout inode</c>, address <c>HEX:PORT</c>.</summary>
    private static IEnumerable<string> Inodes(string table, int port)
    {
        if (!File.Exists(table))
        {
            yield break;
        }

        var suffix = string.Create(CultureInfo.InvariantCulture, $":{port:X4}");
        foreach (var line in File.ReadLines(table).Skip(1))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 9 && fields[1].EndsWith(suffix, StringComparison.Ordinal) && fields[3] == Listening)
            {
                yield return fields[9];
            }
        }
    }

    private static IEnumerable<string> Processes(HashSet<string> sockets) =>
        from folder in Directory.EnumerateDirectories("/proc")
        let pid = Path.GetFileName(folder)
        where pid.All(char.IsAsciiDigit) && Links(Path.Combine(folder, "fd")).Any(sockets.Contains)
        select $"pid {pid} ({Command(folder)})";

    private static IEnumerable<string> Links(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(folder).Select(entry => new FileInfo(entry).LinkTarget ?? "")];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string Command(string folder)
    {
        try
        {
            var command = File.ReadAllText(Path.Combine(folder, "cmdline")).Replace('\0', ' ').Trim();
            return command.Length <= 120 ? command : command[..120] + "…";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "unknown command";
        }
    }
}
