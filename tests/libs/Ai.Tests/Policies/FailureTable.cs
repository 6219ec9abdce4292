namespace Ai.Tests.Policies;

/// <summary>The table of docs/models.md, "What each failure does".</summary>
internal static class FailureTable
{
    public static IReadOnlyDictionary<ModelFailure, FailureRow> Rows { get; } = Read();

    private static Dictionary<ModelFailure, FailureRow> Read()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "docs", "models.md")))
        {
            folder = folder.Parent;
        }

        var page = Path.Combine(folder?.FullName ?? throw new InvalidOperationException("docs/models.md was not found above the test program"), "docs", "models.md");
        var cells = File.ReadLines(page)
            .SkipWhile(line => line != "## What each failure does")
            .TakeWhile(line => line == "## What each failure does" || !line.StartsWith("## ", StringComparison.Ordinal))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim().Trim('`')).ToArray());
        return cells.ToDictionary(row => Enum.Parse<ModelFailure>(row[0]), row => new FailureRow(row[2], row[3], row[4], row[5], row[6], row[7]));
    }
}

/// <summary>One row, as written.</summary>
internal sealed record FailureRow(string Code, string SentAgain, string NextModel, string Key, string Breaker, string Later);
