using Ai.Local.Vision;

namespace TrainHead;

/// <summary>Answers for pictures by heads that did not see their fold.</summary>
internal sealed class CrossValidation
{
    private readonly FeatureTable _table;
    private readonly float[] _scores;
    private readonly int _classes;

    private CrossValidation(FeatureTable table, LinearHead[] heads, float[] scores, int classes)
    {
        _table = table;
        Heads = heads;
        _scores = scores;
        _classes = classes;
    }

    /// <summary>Head f did not see fold f.</summary>
    public LinearHead[] Heads { get; }

    /// <summary>Trains one head per fold, as it will be read from its file, and keeps its scores of that fold.</summary>
    public static CrossValidation Run(FeatureTable table, IReadOnlyList<LabelledPicture> pictures, int classes)
    {
        var heads = new LinearHead[TrashNet.Folds];
        var scores = new float[table.Rows * classes];
        for (int fold = 0; fold < heads.Length; fold++)
        {
            int[] seen = [.. Enumerable.Range(0, table.Rows).Where(row => pictures[row].Fold != fold)];
            var head = LogisticRegression.Train(table, seen, classes, temperature: 1, threshold: 0);
            heads[fold] = LinearHead.Parse(head.Serialize(), table.FeatureCount, classes);
            foreach (int row in Enumerable.Range(0, table.Rows).Except(seen))
            {
                heads[fold].Score(table.Row(row), scores.AsSpan(row * classes, classes));
            }
        }

        return new CrossValidation(table, heads, scores, classes);
    }

    /// <summary>The temperature with the highest likelihood of the true classes, by golden-section search.</summary>
    public float FitTemperature()
    {
        const double Ratio = 0.6180339887498949;
        double low = 0.2, high = 5;
        while (high - low > 1e-3)
        {
            double a = high - ((high - low) * Ratio);
            double b = low + ((high - low) * Ratio);
            (low, high) = Loss((float)a) < Loss((float)b) ? (low, b) : (a, high);
        }

        return (float)Math.Round((low + high) / 2, 3);
    }

    /// <summary>The answer for every picture: label, confidence, whether right.</summary>
    public IReadOnlyList<Answer> Answers(float temperature)
    {
        var answers = new Answer[_table.Rows];
        Span<float> probabilities = stackalloc float[_classes];
        for (int row = 0; row < answers.Length; row++)
        {
            _scores.AsSpan(row * _classes, _classes).CopyTo(probabilities);
            Softmax.Apply(probabilities, temperature);
            int best = 0;
            for (int c = 1; c < _classes; c++)
            {
                best = probabilities[c] > probabilities[best] ? c : best;
            }

            answers[row] = new Answer(_table.LabelOf(row), best, probabilities[best]);
        }

        return answers;
    }

    private double Loss(float temperature)
    {
        double loss = 0;
        Span<float> probabilities = stackalloc float[_classes];
        for (int row = 0; row < _table.Rows; row++)
        {
            _scores.AsSpan(row * _classes, _classes).CopyTo(probabilities);
            Softmax.Apply(probabilities, temperature);
            loss -= Math.Log(Math.Max(probabilities[_table.LabelOf(row)], 1e-12));
        }

        return loss;
    }
}

/// <summary>One answer.</summary>
internal readonly record struct Answer(int Truth, int Said, float Confidence)
{
    public bool Right => Truth == Said;
}
