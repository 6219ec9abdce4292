using Ai.Local.Vision;

namespace TrainHead;

/// <summary>
/// Multinomial logistic regression on standardised features with an L2 penalty, by Adam on all rows at once: no sampling and no
/// random start, so the same data gives the same head (on another kind of processor sums are rounded in another order).
/// </summary>
internal static class LogisticRegression
{
    private const float Penalty = 0.02f;
    private const int Steps = 300;
    private const float LearningRate = 0.01f;

    /// <summary>Below this a feature is as good as constant; dividing by less would blow up its noise.</summary>
    private const float SmallestDeviation = 1e-3f;

    /// <summary>Trains on the given rows. The result takes unscaled features.</summary>
    public static LinearHead Train(FeatureTable table, IReadOnlyList<int> rows, int classes, float temperature, float threshold)
    {
        int features = table.FeatureCount;
        var (mean, deviation) = Moments(table, rows);
        var scaled = Standardise(table, rows, mean, deviation);
        int stride = features + 1;
        var weights = new float[classes * stride];
        var gradient = new float[weights.Length];
        var optimizer = new Adam(weights.Length);
        for (int step = 1; step <= Steps; step++)
        {
            Gradient(scaled, table, rows, weights, classes, gradient);
            float rate = LearningRate * 0.5f * (1 + MathF.Cos(MathF.PI * step / Steps));
            optimizer.Step(weights, gradient, rate, step);
        }

        return Unscale(weights, classes, mean, deviation, temperature, threshold);
    }

    private static (float[] Mean, float[] Deviation) Moments(FeatureTable table, IReadOnlyList<int> rows)
    {
        var sums = new double[table.FeatureCount];
        var squares = new double[table.FeatureCount];
        foreach (int row in rows)
        {
            var values = table.Row(row);
            for (int i = 0; i < values.Length; i++)
            {
                sums[i] += values[i];
                squares[i] += (double)values[i] * values[i];
            }
        }

        var mean = Array.ConvertAll(sums, sum => (float)(sum / rows.Count));
        var deviation = new float[mean.Length];
        for (int i = 0; i < mean.Length; i++)
        {
            double average = sums[i] / rows.Count;
            deviation[i] = Math.Max((float)Math.Sqrt(Math.Max(0, (squares[i] / rows.Count) - (average * average))), SmallestDeviation);
        }

        return (mean, deviation);
    }

    /// <summary>Scaled rows with a constant 1 behind each, whose weight is the bias.</summary>
    private static float[] Standardise(FeatureTable table, IReadOnlyList<int> rows, float[] mean, float[] deviation)
    {
        int stride = table.FeatureCount + 1;
        var scaled = new float[rows.Count * stride];
        for (int r = 0; r < rows.Count; r++)
        {
            var from = table.Row(rows[r]);
            var to = scaled.AsSpan(r * stride, stride);
            for (int i = 0; i < from.Length; i++)
            {
                to[i] = (from[i] - mean[i]) / deviation[i];
            }

            to[^1] = 1;
        }

        return scaled;
    }

    private static void Gradient(
        float[] scaled, FeatureTable table, IReadOnlyList<int> rows, float[] weights, int classes, float[] gradient)
    {
        int stride = table.FeatureCount + 1;
        for (int i = 0; i < gradient.Length; i++)
        {
            gradient[i] = (i + 1) % stride == 0 ? 0 : Penalty * weights[i];
        }

        Span<float> probabilities = stackalloc float[classes];
        for (int r = 0; r < rows.Count; r++)
        {
            var values = scaled.AsSpan(r * stride, stride);
            for (int c = 0; c < classes; c++)
            {
                probabilities[c] = VectorMath.Dot(weights.AsSpan(c * stride, stride), values);
            }

            Softmax.Apply(probabilities);
            probabilities[table.LabelOf(rows[r])] -= 1;
            for (int c = 0; c < classes; c++)
            {
                VectorMath.AddScaled(gradient.AsSpan(c * stride, stride), values, probabilities[c] / rows.Count);
            }
        }
    }

    private static LinearHead Unscale(float[] weights, int classes, float[] mean, float[] deviation, float temperature, float threshold)
    {
        int features = mean.Length;
        var unscaled = new float[classes * features];
        var bias = new float[classes];
        for (int c = 0; c < classes; c++)
        {
            var from = weights.AsSpan(c * (features + 1), features + 1);
            double offset = from[^1];
            for (int i = 0; i < features; i++)
            {
                // Through half precision, so that the bias makes up for the rounding of the weights.
                float weight = (float)(Half)(from[i] / deviation[i]);
                unscaled[(c * features) + i] = weight;
                offset -= (double)weight * mean[i];
            }

            bias[c] = (float)offset;
        }

        return new LinearHead(unscaled, bias, temperature, threshold);
    }

    /// <summary>Kingma and Ba 2015.</summary>
    private sealed class Adam(int length)
    {
        private const float Beta1 = 0.9f;
        private const float Beta2 = 0.999f;
        private readonly float[] _first = new float[length];
        private readonly float[] _second = new float[length];

        public void Step(Span<float> weights, ReadOnlySpan<float> gradient, float rate, int step)
        {
            float correction1 = 1 - MathF.Pow(Beta1, step);
            float correction2 = 1 - MathF.Pow(Beta2, step);
            for (int i = 0; i < weights.Length; i++)
            {
                _first[i] = (Beta1 * _first[i]) + ((1 - Beta1) * gradient[i]);
                _second[i] = (Beta2 * _second[i]) + ((1 - Beta2) * gradient[i] * gradient[i]);
                weights[i] -= rate * (_first[i] / correction1) / (MathF.Sqrt(_second[i] / correction2) + 1e-8f);
            }
        }
    }
}
