namespace NaverServers;

/// <summary>A request that was understood.</summary>
/// <param name="Query">What is searched for.</param>
/// <param name="Display">How many.</param>
/// <param name="Start">From which on, 1 is the first.</param>
/// <param name="Sort">sim, date, asc or dsc.</param>
/// <param name="Exclude">Kinds of offers that are left out.</param>
public sealed record NaverQuery(string Query, int Display, int Start, string Sort, IReadOnlyList<string> Exclude)
{
    /// <summary>Headers, with names in lower case.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }
}
