using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace TrainHead;

/// <summary>
/// The tensors of a TensorFlow.js graph model: the manifest in model.json names them in the order in which their values lie back
/// to back, little-endian, in the binary file.
/// </summary>
internal sealed class TfjsWeights
{
    private readonly Dictionary<string, float[]> _tensors = new(StringComparer.Ordinal);

    private TfjsWeights()
    {
    }

    /// <summary>Reads both files and checks them against the given SHA-256 sums.</summary>
    public static TfjsWeights Load(string modelFile, string modelSha256, string weightsFile, string weightsSha256)
    {
        var manifest = ReadChecked(modelFile, modelSha256);
        var values = ReadChecked(weightsFile, weightsSha256).AsSpan();
        var result = new TfjsWeights();
        using var model = JsonDocument.Parse(manifest);
        foreach (var tensor in model.RootElement.GetProperty("weightsManifest")[0].GetProperty("weights").EnumerateArray())
        {
            int count = 1;
            foreach (var side in tensor.GetProperty("shape").EnumerateArray())
            {
                count *= side.GetInt32();
            }

            if (tensor.TryGetProperty("quantization", out _))
            {
                throw new InvalidDataException("Quantized weights are not expected in this model.");
            }

            // All types of this model take four bytes.
            var bytes = values[..(count * sizeof(float))];
            values = values[bytes.Length..];
            if (tensor.GetProperty("dtype").GetString() == "float32")
            {
                result._tensors.Add(tensor.GetProperty("name").GetString()!, MemoryMarshal.Cast<byte, float>(bytes).ToArray());
            }
        }

        return result;
    }

    /// <summary>The one tensor whose name ends so.</summary>
    public float[] Single(string nameEnd) => _tensors.Single(t => t.Key.EndsWith("/" + nameEnd, StringComparison.Ordinal)).Value;

    private static byte[] ReadChecked(string file, string sha256)
    {
        var content = File.ReadAllBytes(file);
        string actual = Convert.ToHexStringLower(SHA256.HashData(content));
        return actual == sha256 ? content : throw new InvalidDataException($"{file} has the SHA-256 {actual}, expected {sha256}.");
    }
}
