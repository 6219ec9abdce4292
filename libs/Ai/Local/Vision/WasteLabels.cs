namespace Ai.Local.Vision;

/// <summary>What the local classifier can tell apart: the classes of the pictures that it learned from.</summary>
public static class WasteLabels
{
    private static readonly string[] Names = ["glass", "paper", "cardboard", "plastic", "metal", "trash"];

    /// <summary>The labels in the order of the head's outputs. "trash" means anything else and is the weakest.</summary>
    public static IReadOnlyList<string> All => Names;
}
