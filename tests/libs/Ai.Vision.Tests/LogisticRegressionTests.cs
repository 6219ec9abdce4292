using Ai.Local.Vision;
using TrainHead;

namespace Ai.Vision.Tests;

public sealed class LogisticRegressionTests
{
    private const int Classes = 3;
    private const int Features = 5;
    private const int RowsPerClass = 40;

    [Fact]
    public void Learns_classes_that_lie_apart()
    {
        var table = Toy(seed: 1);

        var head = LinearHead.Parse(Train(table).Serialize(), Features, Classes);

        var unseen = Toy(seed: 2);
        var probabilities = new float[Classes];
        for (int row = 0; row < unseen.Rows; row++)
        {
            head.Classify(unseen.Row(row), probabilities);
            Assert.Equal(unseen.LabelOf(row), Array.IndexOf(probabilities, probabilities.Max()));
            Assert.InRange(probabilities.Sum(), 0.999f, 1.001f);
        }
    }

    [Fact]
    public void Gives_the_same_head_for_the_same_data() =>
        Assert.Equal(Train(Toy(seed: 1)).Serialize(), Train(Toy(seed: 1)).Serialize());

    [Fact]
    public void Learns_only_from_the_rows_that_it_is_given()
    {
        var table = Toy(seed: 1);
        int[] twoClasses = [.. Enumerable.Range(0, table.Rows).Where(row => table.LabelOf(row) != 2)];

        var head = LogisticRegression.Train(table, twoClasses, Classes, temperature: 1, threshold: 0);

        var scores = new float[Classes];
        for (int row = 0; row < table.Rows; row++)
        {
            head.Score(table.Row(row), scores);
            Assert.NotEqual(2, Array.IndexOf(scores, scores.Max()));
        }
    }

    private static LinearHead Train(FeatureTable table) =>
        LogisticRegression.Train(table, [.. Enumerable.Range(0, table.Rows)], Classes, temperature: 1, threshold: 0.5f);

    /// <summary>Clouds around three points, in features of very different scale; the last one is constant.</summary>
    private static FeatureTable Toy(int seed)
    {
        var random = new Random(seed);
        var labels = Enumerable.Range(0, Classes * RowsPerClass).Select(row => row % Classes).ToArray();
        var values = new float[labels.Length * Features];
        for (int row = 0; row < labels.Length; row++)
        {
            var features = values.AsSpan(row * Features, Features);
            for (int i = 0; i < Features - 1; i++)
            {
                double centre = i % Classes == labels[row] ? 1 : 0;
                features[i] = (float)((centre + ((random.NextDouble() - 0.5) * 0.5)) * Math.Pow(10, i - 1));
            }

            features[^1] = 7;
        }

        return new FeatureTable(values, labels, Features);
    }
}
