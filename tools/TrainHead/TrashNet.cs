using System.Globalization;
using Ai.Local.Vision;

namespace TrainHead;

/// <summary>One picture of TrashNet.</summary>
/// <param name="File">Path.</param>
/// <param name="Label">Index into <see cref="WasteLabels.All"/>.</param>
/// <param name="Fold">0 to <see cref="TrashNet.Folds"/> - 1.</param>
internal sealed record LabelledPicture(string File, int Label, int Fold);

/// <summary>
/// TrashNet (Thung and Yang 2016, MIT): a folder per class, files <c>classN.jpg</c>. Neighbouring numbers show the same object from
/// several sides, so a fold is a run of numbers: a random split would test on objects that were learned.
/// </summary>
internal static class TrashNet
{
    /// <summary>Parts for cross-validation.</summary>
    public const int Folds = 5;

    /// <summary>All pictures, by class and number.</summary>
    public static IReadOnlyList<LabelledPicture> Load(string folder)
    {
        var pictures = new List<LabelledPicture>();
        for (int label = 0; label < WasteLabels.All.Count; label++)
        {
            var name = WasteLabels.All[label];
            var files = Directory.GetFiles(Path.Combine(folder, name), name + "*.jpg").OrderBy(file => Number(file, name)).ToArray();
            pictures.AddRange(files.Select((file, i) => new LabelledPicture(file, label, i * Folds / files.Length)));
        }

        return pictures;
    }

    /// <summary>File names of one of the authors' lists: lines <c>name.jpg class</c>; "trash" is in none of them.</summary>
    public static HashSet<string> OfficialList(string folder, string part) =>
        [.. File.ReadLines(Path.Combine(folder, $"split-{part}.txt")).Select(line => line.Split(' ')[0])];

    private static int Number(string file, string label) =>
        int.Parse(Path.GetFileNameWithoutExtension(file.AsSpan())[label.Length..], CultureInfo.InvariantCulture);
}
