using System.ComponentModel.DataAnnotations;

namespace Gateway.Security;

/// <summary>Pages of other origins that may use the API with the person's cookies, section <c>Gateway:Cors</c>.</summary>
public sealed class CorsOptions : IValidatableObject
{
    public const string Section = $"{GatewayOptions.Section}:Cors";

    internal const string WhatAnOriginIs = "an origin is scheme://host or scheme://host:port in lower case, without a path";

    /// <summary>Origins, exact: <c>https://app.example</c>, with a port where it is not the scheme's own. Default none; there are no wildcards.</summary>
    public string[] Origins { get; set; } = [];

    /// <summary>How long a browser may remember the answer to a preflight. Default 10 min; browsers take at most two hours.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Whether pages of the origin may read answers and write with cookies. Browsers write origins in one way only, so bytes are compared.</summary>
    public bool Allows(string? origin) => origin is { Length: > 0 } && Origins.Contains(origin, StringComparer.Ordinal);

    /// <summary>An entry that no browser would send is a mistake that would otherwise show as a page that does not work.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var origin in Origins.Where(origin => !IsOrigin(origin)))
        {
            yield return new ValidationResult($"{Section}:Origins has '{origin}'; {WhatAnOriginIs}");
        }
    }

    /// <summary>Whether this is an origin as browsers write it.</summary>
    internal static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is ("http" or "https") && uri.GetLeftPart(UriPartial.Authority) == text;
}
