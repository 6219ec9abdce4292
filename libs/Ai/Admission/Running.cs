using System.Runtime.InteropServices;

namespace Ai.Admission;

/// <summary>How many calls run for each name.</summary>
internal sealed class Running
{
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);

    public bool IsBelow(string? name, int most) => name is null || _counts.GetValueOrDefault(name) < most;

    public void Add(string? name)
    {
        if (name is not null)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_counts, name, out _)++;
        }
    }

    /// <summary>Names that nobody uses are forgotten, so that users and sessions do not add up.</summary>
    public void Remove(string? name)
    {
        if (name is not null && --CollectionsMarshal.GetValueRefOrAddDefault(_counts, name, out _) == 0)
        {
            _counts.Remove(name);
        }
    }
}
