namespace Sidecar.Abstractions;

/// <summary>Finds what somebody who mistyped a name has probably meant.</summary>
public static class Nearest
{
    /// <summary><c>; did you mean 'state.redis'?</c>, or nothing when no known name is near.</summary>
    public static string Hint(string word, IEnumerable<string> known) => Of(word, known) is { } name ? $"; did you mean '{name}'?" : "";

    /// <summary>The known name with the fewest differing characters, at most a third of the word; null when there is none.</summary>
    public static string? Of(string word, IEnumerable<string> known) => known
        .Select(name => (Name: name, Distance: Distance(word.ToLowerInvariant(), name.ToLowerInvariant())))
        .Where(candidate => candidate.Distance <= Math.Max(1, word.Length / 3))
        .OrderBy(candidate => candidate.Distance)
        .Select(candidate => candidate.Name)
        .FirstOrDefault();

    /// <summary>Insertions, deletions and replacements from one text to the other; two characters swapped count as one.</summary>
    private static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    rows[i, j] = i + j;
                    continue;
                }

                var replace = rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                rows[i, j] = Math.Min(replace, Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[a.Length, b.Length];
    }
}
