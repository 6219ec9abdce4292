using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Ai.Local.Vision;

/// <summary>
/// Multinomial logistic regression on features: the part that this project trains. The scaling of the features is already in the
/// weights. File: "TVHD", version, classes, features (int32 each), temperature, threshold (float32 each), then per class the bias
/// and its weights in half precision, all little-endian.
/// </summary>
internal sealed class LinearHead
{
    private const int Version = 1;
    private const int HeaderBytes = 24;
    private const int HalfBytes = 2;
    private readonly float[] _weights;
    private readonly float[] _bias;

    /// <param name="weights">[class, feature].</param>
    /// <param name="bias">[class].</param>
    /// <param name="temperature">Divides the scores, so that confidence means frequency of being right.</param>
    /// <param name="threshold">Confidence below which an answer is unsure.</param>
    public LinearHead(float[] weights, float[] bias, float temperature, float threshold)
    {
        _weights = weights;
        _bias = bias;
        Temperature = temperature;
        Threshold = threshold;
    }

    public int ClassCount => _bias.Length;

    public int FeatureCount => _weights.Length / _bias.Length;

    public float Temperature { get; }

    public float Threshold { get; }

    private static ReadOnlySpan<byte> Magic => "TVHD"u8;

    /// <summary>Reads a file of heads without its checksum.</summary>
    /// <exception cref="InvalidDataException">Another format, version or size.</exception>
    public static LinearHead Parse(ReadOnlySpan<byte> content, int featureCount, int classCount)
    {
        if (content.Length != HeaderBytes + (HalfBytes * classCount * (featureCount + 1))
            || !content.StartsWith(Magic)
            || BinaryPrimitives.ReadInt32LittleEndian(content[4..]) != Version
            || BinaryPrimitives.ReadInt32LittleEndian(content[8..]) != classCount
            || BinaryPrimitives.ReadInt32LittleEndian(content[12..]) != featureCount)
        {
            throw new InvalidDataException("The file is not a head for these features and classes.");
        }

        var values = MemoryMarshal.Cast<byte, Half>(content[HeaderBytes..]);
        var bias = new float[classCount];
        var weights = new float[classCount * featureCount];
        for (int c = 0; c < classCount; c++)
        {
            bias[c] = (float)values[0];
            for (int i = 0; i < featureCount; i++)
            {
                weights[(c * featureCount) + i] = (float)values[1 + i];
            }

            values = values[(featureCount + 1)..];
        }

        return new LinearHead(
            weights, bias, BinaryPrimitives.ReadSingleLittleEndian(content[16..]), BinaryPrimitives.ReadSingleLittleEndian(content[20..]));
    }

    /// <summary>Writes what <see cref="Parse"/> reads.</summary>
    public byte[] Serialize()
    {
        var content = new byte[HeaderBytes + (HalfBytes * (_weights.Length + _bias.Length))];
        Magic.CopyTo(content);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(4), Version);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(8), ClassCount);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(12), FeatureCount);
        BinaryPrimitives.WriteSingleLittleEndian(content.AsSpan(16), Temperature);
        BinaryPrimitives.WriteSingleLittleEndian(content.AsSpan(20), Threshold);
        var values = MemoryMarshal.Cast<byte, Half>(content.AsSpan(HeaderBytes));
        for (int c = 0; c < ClassCount; c++)
        {
            values[0] = (Half)_bias[c];
            for (int i = 0; i < FeatureCount; i++)
            {
                values[1 + i] = (Half)_weights[(c * FeatureCount) + i];
            }

            values = values[(FeatureCount + 1)..];
        }

        return content;
    }

    /// <summary>Scores before temperature and softmax.</summary>
    public void Score(ReadOnlySpan<float> features, Span<float> scores)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(features.Length, FeatureCount);
        for (int c = 0; c < ClassCount; c++)
        {
            scores[c] = _bias[c] + Dot(_weights.AsSpan(c * FeatureCount, FeatureCount), features);
        }
    }

    /// <summary>Calibrated probabilities of the classes.</summary>
    public void Classify(ReadOnlySpan<float> features, Span<float> probabilities)
    {
        Score(features, probabilities);
        Softmax.Apply(probabilities[..ClassCount], Temperature);
    }

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sum = Vector<float>.Zero;
        var va = MemoryMarshal.Cast<float, Vector<float>>(a);
        var vb = MemoryMarshal.Cast<float, Vector<float>>(b);
        for (int i = 0; i < va.Length; i++)
        {
            sum += va[i] * vb[i];
        }

        float total = Vector.Sum(sum);
        for (int i = va.Length * Vector<float>.Count; i < a.Length; i++)
        {
            total += a[i] * b[i];
        }

        return total;
    }
}
