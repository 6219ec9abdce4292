using System.Globalization;
using Ai.Local.Vision;
using Imaging;

namespace TrainHead;

/// <summary>Evaluates <see cref="PictureClassifier.Resemblance"/> to a desk, for which nothing is trained: how many pictures of each folder are above a threshold.</summary>
internal static class ResemblanceCommand
{
    private static readonly double[] Thresholds = [0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5];

    public static void Run(string[] folders)
    {
        var classifier = new PictureClassifier(new PictureClassifierOptions { Features = PictureFeatures.MobileNet });
        Console.WriteLine($"{"folder",-24} {"pictures",8} {string.Concat(Thresholds.Select(threshold => string.Create(CultureInfo.InvariantCulture, $"{$">= {threshold}",8}")))}");
        foreach (var folder in folders)
        {
            double[] scores = [.. Directory.EnumerateFiles(folder).AsParallel().Select(file => Score(classifier, file)).OfType<double>()];
            var shares = Thresholds.Select(threshold => (double)scores.Count(score => score >= threshold) / scores.Length);
            Console.WriteLine($"{Path.GetFileName(folder.TrimEnd('/')),-24} {scores.Length,8} {string.Concat(shares.Select(share => string.Create(CultureInfo.InvariantCulture, $"{share,8:P1}")))}");
        }
    }

    private static double? Score(PictureClassifier classifier, string file)
    {
        try
        {
            return classifier.Resemblance(File.ReadAllBytes(file), DeskLabels.All);
        }
        catch (ImageFormatException exception)
        {
            Console.Error.WriteLine($"{file}: {exception.Message}");
            return null;
        }
    }
}
