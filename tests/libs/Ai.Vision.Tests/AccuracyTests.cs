using System.Collections.Concurrent;
using Ai.Local.Vision;
using Imaging;
using TrainHead;

namespace Ai.Vision.Tests;

/// <summary>
/// The gates of the local classifier over all of TrashNet. The heads of the folds, each judging what it has not seen, tell how good
/// the training is and whether the shipped temperature and threshold mean what they say; the shipped heads, which have seen all
/// pictures, must know them.
/// </summary>
public sealed class AccuracyTests
{
    private const string MobileNet = "mobilenet-v1-0.25";
    private const string Own = "own-features";

    private static readonly ConcurrentDictionary<string, Lazy<HeadMetrics>> Measured = new();

    [Theory]
    [InlineData(MobileNet, 0.83)]
    [InlineData(Own, 0.73)]
    public void Blocked_accuracy_holds(string model, double wanted) => AtLeast(wanted, Measure(model).BlockedAccuracy);

    [Theory]
    [InlineData(MobileNet, 0.025)]
    [InlineData(Own, 0.05)]
    public void Confidence_is_the_frequency_of_being_right(string model, double wanted)
    {
        var error = Measure(model).CalibrationError;
        Assert.True(error <= wanted, $"calibration error {error:P1}, at most {wanted:P1} wanted");
    }

    [Theory]
    [InlineData(MobileNet, 0.80)]
    [InlineData(Own, 0.50)]
    public void Answers_that_are_not_unsure_are_many_and_nearly_always_right(string model, double share)
    {
        var metrics = Measure(model);
        AtLeast(share, metrics.SureShare);
        AtLeast(0.88, metrics.SureAccuracy);
    }

    /// <summary>No picture of TrashNet shows a desk. The threshold is that of docs/desk.md.</summary>
    [Fact]
    public void Hardly_any_waste_looks_like_a_desk()
    {
        const double Threshold = 0.15;
        var pictures = TrashNetData.Pictures;
        var classifier = new PictureClassifier(new PictureClassifierOptions { Features = PictureFeatures.MobileNet });
        var taken = 0;
        Parallel.ForEach(pictures, picture =>
        {
            if (classifier.Resemblance(File.ReadAllBytes(picture.File), DeskLabels.All) >= Threshold)
            {
                Interlocked.Increment(ref taken);
            }
        });

        // 4 of 2,527 when the threshold was chosen.
        Assert.InRange(taken, 0, pictures.Count / 400);
    }

    [Fact]
    public void Without_the_network_nothing_resembles_a_label() => Assert.Null(new PictureClassifier(new PictureClassifierOptions { Features = PictureFeatures.Own })
        .Resemblance(File.ReadAllBytes(TrashNetData.Pictures[0].File), DeskLabels.All));

    [Theory]
    [InlineData(PictureFeatures.MobileNet, MobileNet)]
    [InlineData(PictureFeatures.Own, Own)]
    public void The_shipped_classifier_knows_the_pictures_that_it_learned_from(PictureFeatures features, string model)
    {
        var pictures = TrashNetData.Pictures;
        var classifier = new PictureClassifier(new PictureClassifierOptions { Features = features });
        var answers = new PictureClassification[pictures.Count];
        Parallel.For(0, answers.Length, i => answers[i] = classifier.Classify(File.ReadAllBytes(pictures[i].File)));

        var threshold = ShippedHead(Model(model)).Threshold;
        Assert.All(answers, answer =>
        {
            Assert.Equal($"{model}+head-v1", answer.Model);
            Assert.Equal(answer.Confidence < threshold, answer.Unsure);
        });
        AtLeast(0.90, answers.Zip(pictures, (answer, picture) => answer.Label == WasteLabels.All[picture.Label] ? 1.0 : 0.0).Average());
        AtLeast(0.65, answers.Average(answer => answer.Unsure ? 0.0 : 1.0));
    }

    private static void AtLeast(double wanted, double share) => Assert.True(share >= wanted, $"{share:P1}, at least {wanted:P0} wanted");

    private static HeadMetrics Measure(string modelName)
    {
        var pictures = TrashNetData.Pictures;
        var metrics = Measured.GetOrAdd(modelName, _ => new Lazy<HeadMetrics>(() => Measure(Model(modelName), pictures))).Value;
        TestContext.Current.TestOutputHelper?.WriteLine($"{modelName}: {metrics}");
        return metrics;
    }

    /// <summary>Every picture is judged by the head of its fold, which saw neither it nor its neighbours.</summary>
    private static HeadMetrics Measure(FeatureModel model, IReadOnlyList<LabelledPicture> pictures)
    {
        var shipped = ShippedHead(model);
        var heads = Enumerable.Range(0, TrashNet.Folds).Select(fold => FoldHead(model, fold)).ToArray();
        var table = FeatureTable.Extract(model, pictures);
        var answers = new Answer[table.Rows];
        var probabilities = new float[WasteLabels.All.Count];
        for (int row = 0; row < answers.Length; row++)
        {
            heads[pictures[row].Fold].Score(table.Row(row), probabilities);
            Softmax.Apply(probabilities, shipped.Temperature);
            float confidence = probabilities.Max();
            answers[row] = new Answer(pictures[row].Label, Array.IndexOf(probabilities, confidence), confidence);
        }

        return HeadMetrics.From(answers, WasteLabels.All.Count, shipped.Temperature, shipped.Threshold, officialAccuracy: 0);
    }

    private static FeatureModel Model(string name) => TrainCommand.Models().Single(model => model.Name == name);

    private static LinearHead ShippedHead(FeatureModel model) => Parse(model, SealedResource.Read(model.HeadResource));

    private static LinearHead FoldHead(FeatureModel model, int fold)
    {
        using var stream = typeof(AccuracyTests).Assembly.GetManifestResourceStream(TrainCommand.FoldFile(model, fold))!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return Parse(model, content);
    }

    private static LinearHead Parse(FeatureModel model, byte[] file) =>
        LinearHead.Parse(SealedResource.Open(file), model.FeatureCount, WasteLabels.All.Count);
}
