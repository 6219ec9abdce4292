using System.ComponentModel.DataAnnotations;

namespace Ai.Catalogue;

/// <summary>How the providers' own lists of models are read: section <c>Ai:Lists</c>.</summary>
public sealed class ModelListOptions
{
    /// <summary>After this time a list is read again. Default 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Refresh { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>After this time a list that could not be read is tried again. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan Retry { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Longest wait for a list. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);
}
