using System.ComponentModel.DataAnnotations;

namespace ServiceDefaults.GuardedFetch;

/// <summary>What may be fetched from addresses that users name.</summary>
public sealed class GuardedFetchOptions : GuardedTargetOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "GuardedFetch";

    /// <summary>Redirects that are followed, each checked like a first address. Default 0: a redirect is a failure.</summary>
    [Range(0, 3)]
    public int MaxRedirects { get; set; }

    /// <summary>Largest content, bytes. Default 10 MiB.</summary>
    [Range(1, 100 * 1024 * 1024)]
    public int MaxBytes { get; set; } = 10 * 1024 * 1024;

    /// <summary>Kinds of content that are taken, told by their first bytes; of image/jpeg, image/png, image/gif, image/webp. Default: JPEG and PNG.</summary>
    public IList<string> MediaTypes { get; } = [];

    /// <summary>Longest wait for name, connection and the response's headers, for each hop. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan HeadersTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for the next bytes of the content. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest time of the whole fetch with its redirects. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromSeconds(15);
}
