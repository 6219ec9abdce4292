using Ai.Local.Vision;
using Imaging;
using TrainHead;

namespace Ai.Vision.Tests;

/// <summary>Every picture is judged by the head of its fold, which saw neither it nor its neighbours.</summary>
public sealed class AccuracyTests
{
    private const int SampleSize = 400;

    [Theory]
    [InlineData("mobilenet-v1-0.25", 0.80)]
    [InlineData("own-features", 0.72)]
    public void Blocked_accuracy_on_a_sample_holds(string model, double wanted) => Check(model, Sample(TrashNetData.Pictures), wanted);

    [Theory]
    [Trait("Category", "Bench")]
    [InlineData("mobilenet-v1-0.25", 0.83)]
    [InlineData("own-features", 0.73)]
    public void Blocked_accuracy_on_all_pictures_holds(string model, double wanted) => Check(model, TrashNetData.Pictures, wanted);

    /// <summary>The same share of every class and fold: every n-th picture, from a seeded start.</summary>
    private static IReadOnlyList<LabelledPicture> Sample(IReadOnlyList<LabelledPicture> pictures)
    {
        double step = (double)pictures.Count / SampleSize;
        double start = new Random(20_17).NextDouble() * step;
        return [.. Enumerable.Range(0, SampleSize).Select(i => pictures[(int)(start + (i * step))])];
    }

    private static void Check(string modelName, IReadOnlyList<LabelledPicture> pictures, double wanted)
    {
        var model = TrainCommand.Models().Single(m => m.Name == modelName);
        var heads = Enumerable.Range(0, TrashNet.Folds).Select(fold => ReadFold(model, fold)).ToArray();
        var table = FeatureTable.Extract(model, pictures);
        var scores = new float[WasteLabels.All.Count];
        int right = 0;
        for (int row = 0; row < table.Rows; row++)
        {
            heads[pictures[row].Fold].Score(table.Row(row), scores);
            right += Array.IndexOf(scores, scores.Max()) == pictures[row].Label ? 1 : 0;
        }

        double accuracy = (double)right / table.Rows;
        TestContext.Current.TestOutputHelper?.WriteLine($"{modelName}: {accuracy:P1} of {table.Rows}");
        Assert.True(accuracy >= wanted, $"{modelName}: {accuracy:P1} of {table.Rows} pictures right, at least {wanted:P0} wanted");
    }

    private static LinearHead ReadFold(FeatureModel model, int fold)
    {
        using var stream = typeof(AccuracyTests).Assembly.GetManifestResourceStream(TrainCommand.FoldFile(model, fold))!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return LinearHead.Parse(SealedResource.Open(content), model.FeatureCount, WasteLabels.All.Count);
    }
}
