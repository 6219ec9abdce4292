using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.Identity;

/// <summary>
/// The cookies of a signed-in browser: HttpOnly, SameSite=Lax, Path=/, Secure outside Development. Without a domain their names have the
/// prefix <c>__Host-</c> there, which keeps other hosts of the domain from setting them.
/// </summary>
public sealed class IdentityCookies(IOptions<IdentityOptions> options, IHostEnvironment environment, TimeProvider time)
{
    /// <summary>Carries the access token.</summary>
    public string Access { get; } = Name("s_access", options.Value, environment);

    /// <summary>Carries the refresh token; only auth reads it.</summary>
    public string Refresh { get; } = Name("s_refresh", options.Value, environment);

    /// <summary>The full name of another cookie of a sign-in.</summary>
    public string NameOf(string name) => Name(name, options.Value, environment);

    /// <summary>Sets a cookie that ends with its token: by Max-Age, so that the browser's clock does not matter; at least 1 s, as 0 would delete it.</summary>
    public void Append(HttpResponse response, string name, string token, DateTimeOffset expires)
    {
        var left = expires - time.GetUtcNow();
        response.Cookies.Append(name, token, Options(left > TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1)));
    }

    /// <summary>Takes a cookie back.</summary>
    public void Delete(HttpResponse response, string name) => response.Cookies.Delete(name, Options(null));

    private static string Name(string name, IdentityOptions options, IHostEnvironment environment) =>
        options.CookieDomain is null && !environment.IsDevelopment() ? $"__Host-{name}" : name;

    private CookieOptions Options(TimeSpan? maxAge) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Lax,
        Secure = !environment.IsDevelopment(),
        Path = "/",
        Domain = options.Value.CookieDomain,
        MaxAge = maxAge,
    };
}
