using System.ComponentModel.DataAnnotations;

namespace Auth.OAuth;

/// <summary>Signing in with a provider, section <c>OAuth</c>.</summary>
public sealed class OAuthOptions : IValidatableObject
{
    public const string Section = "OAuth";

    /// <summary>
    /// Origin at which browsers reach the gateway, e.g. <c>https://tandem.example.org</c>: where providers send them back to. Default in Development
    /// <c>http://localhost:8080</c>; elsewhere it is required as soon as a provider has a client id.
    /// </summary>
    public string? PublicUrl { get; set; }

    /// <summary>
    /// Origins of pages that people may be sent to after signing in, besides <see cref="PublicUrl"/>; the first is the default one. Compared exactly.
    /// </summary>
    public string[] FrontendOrigins { get; set; } = [];

    /// <summary>Values of <c>redirect_uri</c> that clients may ask for, besides our own callback. Compared exactly.</summary>
    public string[] RedirectUris { get; set; } = [];

    /// <summary>How long a begun sign-in may take. Default 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "01:00:00")]
    public TimeSpan StateLifetime { get; set; } = TimeSpan.FromSeconds(600);

    /// <summary>Time limit of one request to a provider, connecting and reading included. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Largest answer of a provider, bytes. Default 64 KiB.</summary>
    [Range(1024, 16 * 1024 * 1024)]
    public int MaxResponseBytes { get; set; } = 64 * 1024;

    /// <summary>Longest life of a connection to a provider, so that a change of its address is noticed. Default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ConnectionLifetime { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Google.</summary>
    public OAuthProviderOptions Google { get; set; } = new()
    {
        AuthorizeUrl = "https://accounts.google.com/o/oauth2/v2/auth",
        TokenUrl = "https://oauth2.googleapis.com/token",
        ProfileUrl = "https://www.googleapis.com/oauth2/v3/userinfo",
        Issuer = "https://accounts.google.com",
        Scope = "openid email profile",
        AuthorizeParameters = { ["access_type"] = "offline", ["include_granted_scopes"] = "true", ["prompt"] = "consent" },
        IdPath = "sub",
        EmailPath = "email",
        NicknamePath = "given_name",
        PicturePath = "picture",
    };

    /// <summary>Kakao. Its secret is optional.</summary>
    public OAuthProviderOptions Kakao { get; set; } = new()
    {
        AuthorizeUrl = "https://kauth.kakao.com/oauth/authorize",
        TokenUrl = "https://kauth.kakao.com/oauth/token",
        ProfileUrl = "https://kapi.kakao.com/v2/user/me",
        Issuer = "https://kauth.kakao.com",
        NeedsSecret = false,
        IdPath = "id",
        EmailPath = "kakao_account.email",
        NicknamePath = "kakao_account.profile.nickname",
        PicturePath = "kakao_account.profile.profile_image_url",
    };

    /// <summary>Naver, which has no PKCE.</summary>
    public OAuthProviderOptions Naver { get; set; } = new()
    {
        AuthorizeUrl = "https://nid.naver.com/oauth2.0/authorize",
        TokenUrl = "https://nid.naver.com/oauth2.0/token",
        ProfileUrl = "https://openapi.naver.com/v1/nid/me",
        Issuer = "https://nid.naver.com",
        Scope = "profile email",
        Pkce = false,
        TokenNeedsState = true,
        IdPath = "response.id",
        EmailPath = "response.email",
        NicknamePath = "response.nickname",
        PicturePath = "response.profile_image",
    };

    /// <summary>The providers that are on, by the name in their paths.</summary>
    public IReadOnlyDictionary<string, OAuthProviderOptions> Enabled() => new Dictionary<string, OAuthProviderOptions>
    {
        ["google"] = Google, ["kakao"] = Kakao, ["naver"] = Naver,
    }.Where(provider => !string.IsNullOrEmpty(provider.Value.ClientId)).ToDictionary(StringComparer.Ordinal);

    /// <summary>Addresses that would open a hole are refused at the start.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var origin in (string[])[.. FrontendOrigins, .. PublicUrl is { } url ? (string[])[url] : []])
        {
            if (!IsOrigin(origin))
            {
                yield return new ValidationResult($"{Section}: '{origin}' is not an origin: https://host[:port] (http for loopback alone), lower case, without a path");
            }
        }

        foreach (var address in RedirectUris.Where(address => !IsSecure(address) || address.Contains('#')))
        {
            yield return new ValidationResult($"{Section}:{nameof(RedirectUris)}: '{address}' has to be https (http for loopback alone) and without a fragment");
        }

        foreach (var (name, provider) in Enabled())
        {
            var problems = new List<ValidationResult>();
            Validator.TryValidateObject(provider, new ValidationContext(provider), problems, validateAllProperties: true);
            foreach (var problem in problems)
            {
                yield return new ValidationResult($"{Section}:{name}: {problem.ErrorMessage}");
            }

            foreach (var address in (string[])[provider.AuthorizeUrl, provider.TokenUrl, provider.ProfileUrl])
            {
                if (!IsSecure(address))
                {
                    yield return new ValidationResult($"{Section}:{name}: '{address}' has to be https (http for loopback alone)");
                }
            }
        }
    }

    private static bool IsOrigin(string text) => IsSecure(text) && new Uri(text) is { UserInfo: "" } uri && uri.GetLeftPart(UriPartial.Authority) == text;

    private static bool IsSecure(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback));
}
