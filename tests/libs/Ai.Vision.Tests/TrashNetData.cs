using TrainHead;

namespace Ai.Vision.Tests;

/// <summary>TrashNet's pictures, which lie beside the repository and are no part of it.</summary>
internal static class TrashNetData
{
    private static readonly Lazy<IReadOnlyList<LabelledPicture>?> Loaded = new(() => Folder is { } folder ? TrashNet.Load(folder) : null);

    private static string? Folder
    {
        get
        {
            for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
            {
                if (Path.Exists(Path.Combine(at.FullName, "Directory.Build.props")))
                {
                    var folder = Path.Combine(at.Parent!.FullName, "shared", "data", "trashnet");
                    return Directory.Exists(folder) ? folder : null;
                }
            }

            return null;
        }
    }

    /// <summary>All pictures; skips the test where they are missing.</summary>
    public static IReadOnlyList<LabelledPicture> Pictures
    {
        get
        {
            Assert.SkipWhen(Loaded.Value is null, "../shared/data/trashnet is not there");
            return Loaded.Value!;
        }
    }
}
