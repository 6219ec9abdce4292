using Microsoft.Extensions.Options;

namespace Auth.OAuth;

/// <summary>
/// Which addresses browsers are sent to. Everything that a client says is compared, character by character, with what was configured: nothing is
/// parsed, so no way of writing an address (user info, port, backslash, other alphabets) can mean two things.
/// </summary>
internal sealed class OAuthAddresses(IOptions<OAuthOptions> options, IHostEnvironment environment)
{
    /// <summary>Header with the origin of the page, for clients that give it for all requests alike.</summary>
    public const string FrontendHeader = "X-Frontend-Origin";

    /// <summary>Where <c>./daprw run</c> has the gateway.</summary>
    private const string DevelopmentOrigin = "http://localhost:8080";

    /// <summary>Stops a start in which nobody could come back from a provider.</summary>
    public void Check()
    {
        if (options.Value is { PublicUrl: null } && options.Value.Enabled().Count > 0 && !environment.IsDevelopment())
        {
            throw new InvalidOperationException(
                $"{OAuthOptions.Section}:{nameof(OAuthOptions.PublicUrl)} is missing: the providers have to know where to send browsers back to. Give the gateway's origin.");
        }
    }

    /// <summary>The <c>redirect_uri</c> to use; null when the given one is not allowed.</summary>
    public string? Redirect(string provider, string? given)
    {
        var own = PublicOrigin is { } origin ? $"{origin}/api/v1/auth/{provider}/callback" : null;
        return string.IsNullOrEmpty(given) ? own : given == own || options.Value.RedirectUris.Contains(given, StringComparer.Ordinal) ? given : null;
    }

    /// <summary>The origin of the page to go to in the end; null when the given one is not allowed.</summary>
    public string? Frontend(string? given)
    {
        var own = PublicOrigin;
        return string.IsNullOrEmpty(given) ? options.Value.FrontendOrigins.FirstOrDefault() ?? own
            : given == own || options.Value.FrontendOrigins.Contains(given, StringComparer.Ordinal) ? given
            : null;
    }

    /// <summary>The origin of the default page: where a sign-in ends of which nothing is known.</summary>
    public string DefaultFrontend => Frontend(null) ?? "";

    /// <summary>Never what a request says of its host: a sidecar on the way replaces that, and a client can make it up.</summary>
    private string? PublicOrigin => options.Value.PublicUrl ?? (environment.IsDevelopment() ? DevelopmentOrigin : null);
}
