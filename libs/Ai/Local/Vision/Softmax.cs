namespace Ai.Local.Vision;

/// <summary>Turns scores into probabilities.</summary>
internal static class Softmax
{
    /// <summary>Works in place; a temperature above 1 flattens.</summary>
    public static void Apply(Span<float> values, float temperature = 1)
    {
        float max = float.NegativeInfinity;
        foreach (float value in values)
        {
            max = Math.Max(max, value);
        }

        float total = 0;
        foreach (ref float value in values)
        {
            value = MathF.Exp((value - max) / temperature);
            total += value;
        }

        foreach (ref float value in values)
        {
            value /= total;
        }
    }
}
