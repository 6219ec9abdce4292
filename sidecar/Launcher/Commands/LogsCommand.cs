using Launcher.Data;

namespace Launcher.Commands;

/// <summary><c>daprw logs [APP] [-f]</c>: prints the log files of an app, of the sidecar, or all, one after the other; with <c>-f</c> also what comes.</summary>
internal static class LogsCommand
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    public static async Task<int> ExecuteAsync(DataDirectory data, string? name, bool follow, TimeProvider time, CancellationToken cancellationToken)
    {
        var files = Files(data, name);
        var positions = new Dictionary<string, long>();
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            foreach (var file in files)
            {
                positions[file] = await PrintAsync(file, positions.GetValueOrDefault(file), cancellationToken);
            }
        }
        while (follow && await timer.WaitForNextTickAsync(cancellationToken));
        return 0;
    }

    private static string[] Files(DataDirectory data, string? name)
    {
        string[] files = Directory.Exists(data.Logs)
            ? [.. Directory.GetFiles(data.Logs, "*.log").Where(file => name is null || Belongs(Path.GetFileNameWithoutExtension(file), name)).Order(StringComparer.Ordinal)]
            : [];
        return files.Length > 0 ? files : throw new LauncherException($"no log{(name is null ? "" : $" of '{name}'")} in {data.Logs}");
    }

    /// <summary>File <c>scan-0</c> belongs to <c>scan</c> and to <c>scan#0</c>.</summary>
    private static bool Belongs(string file, string name)
    {
        if (file == name || file == name.Replace('#', '-'))
        {
            return true;
        }

        return file.StartsWith(name + "-", StringComparison.Ordinal) && file[(name.Length + 1)..].All(char.IsAsciiDigit);
    }

    /// <summary>Prints what is new and returns the position after it; a file that shrank was begun anew.</summary>
    private static async Task<long> PrintAsync(string file, long position, CancellationToken cancellationToken)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Position = stream.Length < position ? 0 : position;
        await using var output = Console.OpenStandardOutput();
        await stream.CopyToAsync(output, cancellationToken);
        return stream.Position;
    }
}
