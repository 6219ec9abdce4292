using System.Text;

namespace Ai.Local.Vision.MobileNet;

/// <summary>Names of the network's classes.</summary>
internal static class ImageNetLabels
{
    private const string Resource = "imagenet-labels.txt";

    private static readonly Lazy<string[]> Names =
        new(() => Encoding.UTF8.GetString(SealedResource.Read(Resource)).Split('\n', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>The likeliest labels; "background", the first logit, is none.</summary>
    public static IReadOnlyList<LabelHint> Best(Span<float> logits, int count)
    {
        Softmax.Apply(logits);
        var probabilities = logits[1..];
        count = Math.Min(count, probabilities.Length);
        var best = new PriorityQueue<int, float>(count + 1);
        for (int i = 0; i < probabilities.Length; i++)
        {
            best.Enqueue(i, probabilities[i]);
            if (best.Count > count)
            {
                best.Dequeue();
            }
        }

        var hints = new LabelHint[best.Count];
        for (int i = hints.Length - 1; i >= 0; i--)
        {
            int index = best.Dequeue();
            hints[i] = new LabelHint(Names.Value[index], probabilities[index]);
        }

        return hints;
    }
}
