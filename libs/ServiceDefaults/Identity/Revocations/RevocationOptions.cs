using System.ComponentModel.DataAnnotations;

namespace ServiceDefaults.Identity;

/// <summary>How revocations reach the apps that verify tokens, section <c>Identity:Revocations</c>.</summary>
public sealed class RevocationOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = $"{IdentityOptions.Section}:Revocations";

    /// <summary>
    /// How far ahead revocations are stored and read: no access token lives longer. A later end is cut to it. Default 1 day, the longest
    /// <c>Auth:AccessLifetime</c>.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "31.00:00:00")]
    public TimeSpan Horizon { get; set; } = TimeSpan.FromDays(1);

    /// <summary>A replica of auth that was not heard for this long may have revoked something unheard: the documents are read again. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00")]
    public TimeSpan HeartbeatTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the documents are read while somebody is not heard. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "00:05:00")]
    public TimeSpan RereadInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a replica of auth that fell silent without a farewell keeps the readings going: it may be there and only its messages lost.
    /// Default 10 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan SilentSourceMemory { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often the documents are read though nothing seems to be missing. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Refresh { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Time limit of one reading of all documents. Default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan ReadTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>A reading that is needed and did not succeed for this long makes requests answer 503 <c>IDENTITY_UNAVAILABLE</c>. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan UnknownAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Messages older than this are ignored: what they tell is in the documents. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan MaxHintAge { get; set; } = TimeSpan.FromSeconds(60);
}
