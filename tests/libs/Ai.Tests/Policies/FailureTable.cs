using System.Runtime.CompilerServices;

namespace Ai.Tests.Policies;

/// <summary>The table of docs/models.md, "What each failure does".</summary>
internal static class FailureTable
{
    public static IReadOnlyDictionary<ModelFailure, FailureRow> Rows { get; } = Read();

    private static Dictionary<ModelFailure, FailureRow> Read([CallerFilePath] string here = "")
    {
        var page = Path.Combine(Path.GetDirectoryName(here)!, "../../../../docs/models.md");
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
