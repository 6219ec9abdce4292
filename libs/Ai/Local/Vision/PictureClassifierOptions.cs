using System.ComponentModel.DataAnnotations;

namespace Ai.Local.Vision;

/// <summary>Which description of a picture the classifier looks at.</summary>
public enum PictureFeatures
{
    /// <summary>The network when its weights are intact, else own features.</summary>
    Auto,

    /// <summary>The network; an error when its weights are not intact.</summary>
    MobileNet,

    /// <summary>Colours, edges and textures; no third-party weights, no hints, less accurate.</summary>
    Own,
}

/// <summary>Settings of <see cref="PictureClassifier"/>.</summary>
public sealed class PictureClassifierOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Ai:Local:Vision";

    /// <summary>Default <see cref="PictureFeatures.Auto"/>.</summary>
    public PictureFeatures Features { get; set; } = PictureFeatures.Auto;

    /// <summary>ImageNet labels per answer, at most. Default 3.</summary>
    [Range(0, 1000)]
    public int MaxHints { get; set; } = 3;

    /// <summary>Largest picture file, in bytes. Default 20 MiB.</summary>
    [Range(1, 100 * 1024 * 1024)]
    public int MaxBytes { get; set; } = 20 * 1024 * 1024;

    /// <summary>Largest number of pixels. Default 40,000,000.</summary>
    [Range(1, 200_000_000)]
    public long MaxPixels { get; set; } = 40_000_000;
}
