using System.Text.Json;
using Ai.Local.Vision;
using Ai.Local.Vision.MobileNet;
using Ai.Local.Vision.OwnFeatures;

namespace TrainHead;

/// <summary>Trains the shipped heads and the heads of the folds, and writes what they reach.</summary>
internal static class TrainCommand
{
    private static readonly JsonSerializerOptions JsonOptions =
        new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Models that have a head.</summary>
    public static IEnumerable<FeatureModel> Models()
    {
        yield return new MobileNetModel(SealedResource.Read(MobileNetModel.WeightsResource));
        yield return new OwnFeatureModel();
    }

    /// <summary>File of the head that did not see a fold.</summary>
    public static string FoldFile(FeatureModel model, int fold) => $"{model.Name}-fold{fold}.bin";

    /// <param name="data">TrashNet's folder.</param>
    /// <param name="heads">Where the heads and metrics.json go.</param>
    /// <param name="folds">Where the heads of the folds go.</param>
    public static void Run(string data, string heads, string folds)
    {
        Directory.CreateDirectory(heads);
        Directory.CreateDirectory(folds);
        int classes = WasteLabels.All.Count;
        var pictures = TrashNet.Load(data);
        var metrics = new Dictionary<string, HeadMetrics>();
        foreach (var model in Models())
        {
            var table = FeatureTable.Extract(model, pictures);
            var validation = CrossValidation.Run(table, pictures, classes);
            float temperature = validation.FitTemperature();
            var answers = validation.Answers(temperature);
            float threshold = HeadMetrics.ChooseThreshold(answers);

            int[] all = [.. Enumerable.Range(0, table.Rows)];
            Write(Path.Combine(heads, model.HeadResource), LogisticRegression.Train(table, all, classes, temperature, threshold));
            for (int fold = 0; fold < TrashNet.Folds; fold++)
            {
                Write(Path.Combine(folds, FoldFile(model, fold)), validation.Heads[fold]);
            }

            var result = HeadMetrics.From(answers, classes, temperature, threshold, OfficialAccuracy(data, table, pictures));
            metrics.Add(model.Name, result);
            Console.WriteLine(
                $"{model.Name}: blocked {result.BlockedAccuracy:P1}, official {result.OfficialAccuracy:P1}, unsure below " +
                $"{result.Threshold}: answers {result.SureShare:P0} at {result.SureAccuracy:P1}, calibration error {result.CalibrationError:P1}");
        }

        File.WriteAllText(Path.Combine(heads, "metrics.json"), JsonSerializer.Serialize(metrics, JsonOptions) + "\n");
    }

    private static double OfficialAccuracy(string data, FeatureTable table, IReadOnlyList<LabelledPicture> pictures)
    {
        var test = TrashNet.OfficialList(data, "test");
        int[] listed = [.. RowsOf(TrashNet.OfficialList(data, "train")), .. RowsOf(TrashNet.OfficialList(data, "val"))];
        int classes = WasteLabels.All.Count;
        var head = LogisticRegression.Train(table, listed, classes, temperature: 1, threshold: 0);
        Span<float> scores = stackalloc float[classes];
        int right = 0;
        foreach (int row in RowsOf(test))
        {
            head.Score(table.Row(row), scores);
            right += Best(scores) == table.LabelOf(row) ? 1 : 0;
        }

        return (double)right / test.Count;

        IEnumerable<int> RowsOf(HashSet<string> names) =>
            Enumerable.Range(0, pictures.Count).Where(row => names.Contains(Path.GetFileName(pictures[row].File)));
    }

    private static int Best(ReadOnlySpan<float> scores)
    {
        int best = 0;
        for (int c = 1; c < scores.Length; c++)
        {
            best = scores[c] > scores[best] ? c : best;
        }

        return best;
    }

    private static void Write(string file, LinearHead head) => File.WriteAllBytes(file, SealedResource.Seal(head.Serialize()));
}
