using System.Runtime.InteropServices;
using Ai.Local.Vision;

namespace TrainHead;

/// <summary>Turns the published MobileNet weights into the file that the engine embeds: half precision, in layer order.</summary>
internal static class ImportWeights
{
    private const string ModelSha256 = "47f5e8050af0f25290aa67b5afd34e4dccac2d6a626ebbf0a7bf4333fdf679d0";
    private const string WeightsSha256 = "07d87e1886a625748d4732ac2dcce0a7d5591a3d5ab881c4a3d6ea0b950f4e42";
    private const int Blocks = 13;

    /// <summary>Converts the two files of a folder.</summary>
    public static void Run(string folder, string output)
    {
        var tfjs = TfjsWeights.Load(
            Path.Combine(folder, "model.json"), ModelSha256, Path.Combine(folder, "group1-shard1of1.bin"), WeightsSha256);
        List<float> values = [.. tfjs.Single("Conv2d_0/Conv2D_weights"), .. tfjs.Single("Conv2d_0/Conv2D_bn_offset")];
        for (int block = 1; block <= Blocks; block++)
        {
            values.AddRange(tfjs.Single($"Conv2d_{block}_depthwise/depthwise_weights"));
            values.AddRange(tfjs.Single($"Conv2d_{block}_depthwise/depthwise_bn_offset"));
            values.AddRange(tfjs.Single($"Conv2d_{block}_pointwise/Conv2D_weights"));
            values.AddRange(tfjs.Single($"Conv2d_{block}_pointwise/Conv2D_bn_offset"));
        }

        values.AddRange(tfjs.Single("Logits/Conv2d_1c_1x1/weights"));
        values.AddRange(tfjs.Single("Logits/Conv2d_1c_1x1/biases"));

        var halves = values.ConvertAll(v => (Half)v);
        File.WriteAllBytes(output, SealedResource.Seal(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(halves))));
        float worst = values.Zip(halves, (v, h) => Math.Abs(v - (float)h)).Max();
        Console.WriteLine($"{values.Count} weights, largest {values.Max(Math.Abs):F2}, largest rounding {worst:G3} -> {output}");
    }
}
