namespace Ai.Local.Vision;

/// <summary>
/// The ImageNet labels that desks show: the desk, and what stands on it. For <see cref="PictureClassifier.Resemblance"/>; the network's input and the threshold
/// were evaluated together (docs/desk.md).
/// </summary>
public static class DeskLabels
{
    public static IReadOnlySet<string> All { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "computer_keyboard", "desk", "desktop_computer", "file", "laptop", "monitor", "mouse", "notebook", "printer", "screen", "space_bar",
    };
}
