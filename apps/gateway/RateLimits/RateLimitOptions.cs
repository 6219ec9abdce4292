using System.ComponentModel.DataAnnotations;

namespace Gateway.RateLimits;

/// <summary>How much one caller may ask for, section <c>Gateway:RateLimits</c>; the policies are in gateway.routes.json.</summary>
public sealed class RateLimitOptions : IValidatableObject
{
    public const string Section = $"{GatewayOptions.Section}:RateLimits";

    /// <summary>Policies by name; a line of the route table names those that count its requests.</summary>
    public Dictionary<string, RateLimitPolicy> Policies { get; set; } = [];

    /// <summary>Policies of routes that name none.</summary>
    public string[] Default { get; set; } = [];

    /// <summary>
    /// Whether requests are counted by address. Default true. Off where everybody has the same one: on a developer's machine (dapr.yaml), or behind
    /// a proxy that is not in <see cref="GatewayOptions.TrustedProxies"/>.
    /// </summary>
    public bool PerAddress { get; set; } = true;

    /// <summary>
    /// Callers that are counted at a time, per policy; with more of them those that were quiet the longest are forgotten. Default 100,000, about
    /// 150 bytes each.
    /// </summary>
    [Range(2, 10_000_000)]
    public int MaxCallers { get; set; } = 100_000;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var (name, policy) in Policies)
        {
            var results = new List<ValidationResult>();
            if (!Validator.TryValidateObject(policy, new ValidationContext(policy), results, validateAllProperties: true))
            {
                yield return new ValidationResult($"{Section}:Policies:{name}: {results[0].ErrorMessage}");
            }
        }

        foreach (var name in Default.Where(name => !Policies.ContainsKey(name)))
        {
            yield return new ValidationResult($"{Section}:Default names the policy '{name}', which is not in {Section}:Policies");
        }
    }
}

/// <summary>A named limit.</summary>
public sealed class RateLimitPolicy
{
    /// <summary>Whose requests count together.</summary>
    public LimitBy By { get; set; }

    /// <summary>How they are counted.</summary>
    public LimitKind Kind { get; set; }

    /// <summary>Requests in a window; of a token bucket also the largest burst.</summary>
    [Range(1, 1_000_000_000)]
    public int Quota { get; set; }

    /// <summary>Length of the window. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "31.00:00:00")]
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Methods that count; empty for all.</summary>
    public string[] Methods { get; set; } = [];
}

/// <summary>Whose requests count together.</summary>
public enum LimitBy
{
    /// <summary>The user or API key; who has none counts by address.</summary>
    User,

    /// <summary>The address, of IPv6 its /64 network: that is what one customer is given. Counted before the token is looked at.</summary>
    Address,
}

/// <summary>How requests are counted.</summary>
public enum LimitKind
{
    /// <summary>The last window, approximated by the running one and a share of the one before.</summary>
    SlidingWindow,

    /// <summary>Refilled evenly; a caller that was quiet may send a whole quota at once.</summary>
    TokenBucket,
}
