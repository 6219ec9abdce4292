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

    /// <summary>How long credentials that Naver does not accept are not tried again, unless the secret changes. Default 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan CredentialsPause { get; set; } = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Uri.TryCreate(Endpoint, UriKind.Absolute, out var endpoint)
            || !(endpoint.Scheme == Uri.UriSchemeHttps || (endpoint.Scheme == Uri.UriSchemeHttp && endpoint.IsLoopback)))
        {
            yield return new ValidationResult($"{Section}:{nameof(Endpoint)} is https, or http on this machine", [nameof(Endpoint)]);
        }
    }
}
