using System.ComponentModel.DataAnnotations;

namespace ServiceDefaults.Identity;

/// <summary>What the apps that issue and verify tokens agree on, section <c>Identity</c>.</summary>
public sealed class IdentityOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Identity";

    /// <summary>Claim <c>iss</c>. Default <c>tandem</c>.</summary>
    [Required]
    public string Issuer { get; set; } = "tandem";

    /// <summary>Claim <c>aud</c> of access tokens. Default <c>api</c>.</summary>
    [Required]
    public string Audience { get; set; } = "api";

    /// <summary>How far clocks may differ. Default 5 s; RFC 8725 readers expect at most 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan Leeway { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the keys are read again from auth. Default 5 min; a key that is not known is asked for at once, at most every 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan KeyRefresh { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Shortest time between two readings of the keys that unknown ids cause. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan KeyRefreshPause { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How many verified access tokens are remembered, so that they are not verified again. Default 10,000, about 5 MB; 0 for none.</summary>
    [Range(0, 1_000_000)]
    public int VerifiedTokens { get; set; } = 10_000;

    /// <summary>Domain of the cookies, for deployments with several hosts below one domain. Default none: only the host itself gets them.</summary>
    public string? CookieDomain { get; set; }

    /// <summary>A JSON Web Key Set given directly, instead of auth: for an app that runs on its own.</summary>
    public string? Jwks { get; set; }
}
