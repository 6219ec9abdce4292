using System.Diagnostics;
using System.Text;

namespace Architecture.Tests;

/// <summary>The tracked files of this repository.</summary>
internal static class Repository
{
    private static readonly Lazy<IReadOnlyList<string>> Listed = new(ListFiles);

    /// <summary>Absolute path of the folder with Dapr.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Paths from the root with forward slashes; files that exist but are ignored are not among them.</summary>
    public static IReadOnlyList<string> Files => Listed.Value;

    public static IEnumerable<string> Under(string folder, string ending) => Files.Where(file =>
        file.StartsWith($"{folder}/", StringComparison.Ordinal) && file.EndsWith(ending, StringComparison.Ordinal));

    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));

    /// <summary>Names of the folders directly in a folder that hold tracked files.</summary>
    public static string[] FoldersIn(string folder) =>
        [.. Under(folder, "").Select(file => file[(folder.Length + 1)..]).Where(rest => rest.Contains('/'))
            .Select(rest => rest[..rest.IndexOf('/')]).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Runs a program in the root and returns what it prints; fails the test with its error text.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {errors.Result}");
        return output;
    }

    // New files count before their first commit, too.
    private static IReadOnlyList<string> ListFiles() =>
        [.. Run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Split('\0', StringSplitOptions.RemoveEmptyEntries)
            .Distinct().Where(file => File.Exists(Path.Combine(Root, file)))];

    private static string FindRoot()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Dapr.sln")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException($"no Dapr.sln above {AppContext.BaseDirectory}");
    }
}
