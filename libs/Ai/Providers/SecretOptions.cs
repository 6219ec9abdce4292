using System.ComponentModel.DataAnnotations;

namespace Ai.Providers;

/// <summary>How secrets are read: section <c>Ai:Secrets</c>.</summary>
public sealed class SecretOptions
{
    /// <summary>Secret store component. Default <c>secrets</c>.</summary>
    [Required]
    public string Store { get; set; } = "secrets";

    /// <summary>After this time a secret is read again, so that a rotated key is noticed without a restart. Default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Refresh { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>After this time a secret that could not be read is tried again. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan Retry { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for the secret store. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
}
