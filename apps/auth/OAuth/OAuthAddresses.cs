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
    public string? Redirect(HttpRequest request, string provider, string? given)
    {
        var own = PublicOrigin(request) is { } origin ? $"{origin}/api/v1/auth/{provider}/callback" : null;
        return string.IsNullOrEmpty(given) ? own : given == own || options.Value.RedirectUris.Contains(given, StringComparer.Ordinal) ? given : null;
    }

    /// <summary>The origin of the page to go to in the end; null when the given one is not allowed.</summary>
    public string? Frontend(HttpRequest request, string? given)
    {
        var own = PublicOrigin(request);
        return string.IsNullOrEmpty(given) ? options.Value.FrontendOrigins.FirstOrDefault() ?? own
            : given == own || options.Value.FrontendOrigins.Contains(given, StringComparer.Ordinal) ? given
            : null;
    }

    /// <summary>The origin of the default page: where a sign-in ends of which nothing is known.</summary>
    public string DefaultFrontend(HttpRequest request) => Frontend(request, null) ?? "";

    private string? PublicOrigin(HttpRequest request) => options.Value.PublicUrl ?? (environment.IsDevelopment() ? LoopbackOrigin(request) : null);

    /// <summary>What the gateway saw: it strips what clients say. A sidecar on the way may have added itself behind.</summary>
    private static string? LoopbackOrigin(HttpRequest request) =>
        Uri.TryCreate($"{First(request, "X-Forwarded-Proto")}://{First(request, "X-Forwarded-Host")}", UriKind.Absolute, out var uri) && uri.IsLoopback
            ? uri.GetLeftPart(UriPartial.Authority)
            : null;

    private static string First(HttpRequest request, string header) => request.Headers[header].ToString().Split(',')[0].Trim();
}
