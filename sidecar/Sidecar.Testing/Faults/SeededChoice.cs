namespace Sidecar.Testing;

/// <summary>Decisions that follow from a seed and a text alone: the same on every machine, in every order.</summary>
internal static class SeededChoice
{
    /// <summary>A number from 0 to 1, exclusive.</summary>
    public static double Fraction(int seed, int salt, string text) => (Hash(seed, salt, text) >> 11) * (1.0 / (1UL << 53));

    /// <summary>The items in another order than the one given, where there are two or more.</summary>
    public static T[] Reorder<T>(int seed, int salt, IReadOnlyList<T> items)
    {
        T[] shuffled = [.. items];
        new Random((int)Hash(seed, salt, "order")).Shuffle(shuffled);
        if (shuffled.Length > 1 && shuffled.SequenceEqual(items))
        {
            Array.Reverse(shuffled);
        }

        return shuffled;
    }

    /// <summary>FNV-1a, stirred.</summary>
    private static ulong Hash(int seed, int salt, string text)
    {
        var hash = 14695981039346656037UL ^ ((ulong)(uint)seed << 32) ^ (uint)salt;
        foreach (var character in text)
        {
            hash = (hash ^ character) * 1099511628211UL;
        }

        hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9UL;
        hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebUL;
        return hash ^ (hash >> 31);
    }
}
