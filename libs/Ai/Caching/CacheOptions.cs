using System.ComponentModel.DataAnnotations;

namespace Ai.Caching;

/// <summary>Which answers are kept, for how long and where: section <c>Ai:Cache</c>.</summary>
public sealed class CacheOptions
{
    /// <summary>Whether answers are kept at all. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Text is kept where the caller set a temperature of at most this. Default 0.3.</summary>
    [Range(0, 2)]
    public float MaxTemperature { get; set; } = 0.3f;

    /// <summary>How long text is kept. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan AnswerTtl { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long embeddings are kept. Default 7 days.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan EmbeddingTtl { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How long pictures are kept. Default 1 day.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan PictureTtl { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Memory of this process for answers; the least recently used go first. Default 64 MiB; 0 keeps none here.</summary>
    [Range(0, long.MaxValue)]
    public long MemoryBytes { get; set; } = 64 << 20;

    /// <summary>Largest answer that goes to the state store. Default 1 MiB; 0 leaves the store out.</summary>
    [Range(0, int.MaxValue)]
    public int StoreMaxValueBytes { get; set; } = 1 << 20;
}
