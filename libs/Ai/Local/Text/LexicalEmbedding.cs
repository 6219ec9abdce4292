using System.Numerics;
using System.Runtime.InteropServices;

namespace Ai.Local.Text;

/// <summary>
/// A vector of a text by what it is spelled with: its <see cref="Grams"/>, hashed with a sign into a fixed number of places. Texts with the same words are near each other;
/// texts that mean the same in other words are not. The same text has the same vector in every process and version.
/// </summary>
public static class LexicalEmbedding
{
    /// <summary>What vectors are labelled with. Another way to make them gets another number, since they must never be compared with these.</summary>
    public const string Model = "lexical-1";

    /// <summary>The vector, of length 1; all zero for a text without letters and digits.</summary>
    public static float[] Create(string text, int dimensions)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimensions, 1);
        var grams = new List<ulong>(text.Length * 2);
        Grams.Collect(text, grams);
        grams.Sort();

        var vector = new float[dimensions];
        for (var i = 0; i < grams.Count;)
        {
            var end = i + 1;
            while (end < grams.Count && grams[end] == grams[i])
            {
                end++;
            }

            // Sublinear in the number of occurrences. The top bit is the sign, which lets collisions cancel out instead of adding up.
            var weight = 1 + MathF.Log(end - i);
            vector[(int)((grams[i] & uint.MaxValue) % (uint)dimensions)] += grams[i] >> 63 == 0 ? weight : -weight;
            i = end;
        }

        var length = MathF.Sqrt(Dot(vector, vector));
        for (var i = 0; length > 0 && i < vector.Length; i++)
        {
            vector[i] /= length;
        }

        return vector;
    }

    /// <summary>Product of two vectors: their likeness, −1 to 1, when both have length 1.</summary>
    public static float Dot(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        if (left.Length != right.Length)
        {
            throw new ArgumentException($"vectors of {left.Length} and {right.Length} places cannot be compared");
        }

        var lefts = MemoryMarshal.Cast<float, Vector<float>>(left);
        var rights = MemoryMarshal.Cast<float, Vector<float>>(right);
        var sums = Vector<float>.Zero;
        for (var i = 0; i < lefts.Length; i++)
        {
            sums += lefts[i] * rights[i];
        }

        var sum = Vector.Sum(sums);
        for (var i = lefts.Length * Vector<float>.Count; i < left.Length; i++)
        {
            sum += left[i] * right[i];
        }

        return sum;
    }
}
