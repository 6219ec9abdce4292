using System.ComponentModel.DataAnnotations;

namespace Ai.Local;

/// <summary>Settings of the local provider.</summary>
public sealed class LocalOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Ai:Local";

    /// <summary>Most places of an embedding that a request may ask for.</summary>
    public const int MaxEmbeddingDimensions = 4096;

    /// <summary>Places of an embedding when a request names no number. Default 512.</summary>
    [Range(16, MaxEmbeddingDimensions)]
    public int EmbeddingDimensions { get; set; } = 512;

    /// <summary>Longest side of a picture that is composed, pixels. Default 2048.</summary>
    [Range(64, 8192)]
    public int MaxPictureSide { get; set; } = 2048;

    /// <summary>Most pictures of one request. Default 4.</summary>
    [Range(1, 16)]
    public int MaxPictures { get; set; } = 4;

    /// <summary>Reference pictures of one request, at most. Default 4.</summary>
    [Range(1, 16)]
    public int MaxReferencePictures { get; set; } = 4;

    /// <summary>Score below which an extractive answer says that it does not know. Default 0.35.</summary>
    [Range(0.0, 1.0)]
    public double AnswerThreshold { get; set; } = 0.35;

    /// <summary>Passages of an extractive answer, at most. Default 2.</summary>
    [Range(1, 10)]
    public int AnswerPassages { get; set; } = 2;
}
