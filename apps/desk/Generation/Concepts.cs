namespace Desk.Generation;

/// <summary>Styles of the new desk, as the original service names them.</summary>
public static class Concepts
{
    /// <summary>The style when none is asked for.</summary>
    public const string Default = "BASIC";

    private static readonly Dictionary<string, string> Styles = new(StringComparer.OrdinalIgnoreCase)
    {
        [Default] = "Photorealistic, in the light and perspective of the photo.",
        ["CARTOON"] = "Drawn as a cartoon with clear outlines and flat, friendly colours.",
        ["SIMPLE"] = "Minimalist and photorealistic: few things, plain surfaces, much free space.",
        ["OIL"] = "Painted in oil with visible brush strokes and rich colours.",
        ["MSPAINT"] = "Drawn by hand in a simple paint program: uneven lines, few plain colours.",
    };

    /// <summary>All of them.</summary>
    public static IReadOnlyCollection<string> All => Styles.Keys;

    /// <summary>The name as it is spelled here, the default's where none is given; null when it is unknown.</summary>
    public static string? Find(string? concept) => concept is null ? Default : Styles.ContainsKey(concept) ? concept.ToUpperInvariant() : null;

    /// <summary>The words for an image model.</summary>
    public static string StyleOf(string concept) => Styles[concept];
}
