namespace TestKit;

/// <summary>Compares a text with a committed file. With <c>UPDATE_SNAPSHOTS=1</c> in the environment it writes the file instead.</summary>
public static class Snapshot
{
    /// <summary>Throws when the text is not the file's.</summary>
    /// <param name="file">Path from the root of the repository.</param>
    /// <param name="actual">The text.</param>
    public static void Check(string file, string actual)
    {
        var path = Path.Combine(Root(), file);
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
            return;
        }

        var expected = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : null;
        if (expected != actual)
        {
            throw new InvalidOperationException(
                $"{file} {(expected is null ? "is missing" : $"differs from line {FirstDifference(expected, actual)} on")}; when the change is wanted, run the test "
                + $"with UPDATE_SNAPSHOTS=1 and commit the file. The text now:\n{actual}");
        }
    }

    private static int FirstDifference(string expected, string actual) =>
        1 + expected.Split('\n').Zip(actual.Split('\n')).TakeWhile(lines => lines.First == lines.Second).Count();

    /// <summary>Root of the repository.</summary>
    public static string Root()
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
