using System.ComponentModel.DataAnnotations;

namespace Desk.Products.Naver;

/// <summary>How Naver Shopping is asked.</summary>
public sealed class NaverOptions : IValidatableObject
{
    /// <summary>Configuration section.</summary>
    public const string Section = $"{ProductOptions.Section}:Naver";

    /// <summary>Where the search is, without its path; https except on this machine. Default <c>https://openapi.naver.com</c>.</summary>
    [Required]
    public string Endpoint { get; set; } = "https://openapi.naver.com";

    /// <summary>Secret of component <c>secrets</c> with the credentials of the application at Naver. Default <c>naver-search</c>.</summary>
    [Required]
    public string Secret { get; set; } = "naver-search";

    /// <summary>Entry of the secret with the client id. Default <c>client-id</c>.</summary>
    [Required]
    public string IdEntry { get; set; } = "client-id";

    /// <summary>Entry of the secret with the client secret. Default <c>client-secret</c>.</summary>
    [Required]
    public string SecretEntry { get; set; } = "client-secret";

    /// <summary>After this time the secret is read again, so that a new one is noticed. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan CredentialsKept { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long the secret may take to be read; after that it is as if it were not there, and read again after the same time. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan CredentialsTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long credentials that Naver does not accept are not tried again, unless the secret changes. Default 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan CredentialsPause { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Hosts that links may lead to, with what is below them. Default <c>smartstore.naver.com</c> and <c>shopping.naver.com</c>.</summary>
    public IList<string> LinkHosts { get; } = [];

    /// <summary>How long an answer may take, with its body. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Largest answer in bytes. Default 1 MiB; ten products take about 10 KiB.</summary>
    [Range(1024, 64 << 20)]
    public int MaxResponseBytes { get; set; } = 1 << 20;

    /// <summary>Repetitions after 5xx, too many requests at once, no answer in time, no connection or one that broke. Default 2.</summary>
    [Range(0, 10)]
    public int Retries { get; set; } = 2;

    /// <summary>Wait before the first repetition; doubles, with jitter. Default 500 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Longest wait before a repetition, also when Naver asks for one; with a longer wish there is none. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:05:00")]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Wait after too many requests at once, when Naver does not say how long. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:05:00")]
    public TimeSpan RateDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Requests at a time, of this replica. Default 5.</summary>
    [Range(1, 100)]
    public int Concurrency { get; set; } = 5;

    /// <summary>Requests within any second, of this replica. Default 8; Naver takes about 10 from an application.</summary>
    [Range(1, 1000)]
    public int RequestsPerSecond { get; set; } = 8;

    /// <summary>Failures in a row, within <see cref="BreakTime"/>, after which Naver is left alone. Default 10.</summary>
    [Range(2, 1000)]
    public int BreakAfter { get; set; } = 10;

    /// <summary>How long it is left alone then. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "01:00:00")]
    public TimeSpan BreakTime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Requests per day in Korea, of all replicas together. Default 24,000; Naver takes 25,000 from an application.</summary>
    [Range(1, int.MaxValue)]
    public int DailyLimit { get; set; } = 24_000;

    /// <summary>Requests that a replica sets aside at once, so that not each one is written down; a crash wastes what is left of them. Default 20.</summary>
    [Range(1, 1000)]
    public int DailyBlock { get; set; } = 20;

    /// <summary>How long the count of a day is kept after its last change. Default 36 h.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "30.00:00:00")]
    public TimeSpan CountKept { get; set; } = TimeSpan.FromHours(36);

    /// <summary>How long what was found for a query is kept. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan FoundKept { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long it is kept that nothing was found. Default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan NothingKept { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>The hosts that count.</summary>
    internal IReadOnlyList<string> Hosts => LinkHosts.Count > 0 ? [.. LinkHosts] : ["smartstore.naver.com", "shopping.naver.com"];

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Uri.TryCreate(Endpoint, UriKind.Absolute, out var endpoint)
            || !(endpoint.Scheme == Uri.UriSchemeHttps || (endpoint.Scheme == Uri.UriSchemeHttp && endpoint.IsLoopback)))
        {
            yield return new ValidationResult($"{Section}:{nameof(Endpoint)} is https, or http on this machine", [nameof(Endpoint)]);
        }

        if (LinkHosts.Any(host => Uri.CheckHostName(host) != UriHostNameType.Dns || !host.Contains('.', StringComparison.Ordinal)))
        {
            yield return new ValidationResult($"{Section}:{nameof(LinkHosts)} are names of hosts, as smartstore.naver.com", [nameof(LinkHosts)]);
        }
    }
}
