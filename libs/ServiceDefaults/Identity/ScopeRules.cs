using Microsoft.AspNetCore.Http;

namespace ServiceDefaults.Identity;

/// <summary>What machine clients may do: the one rule of gateway, ext-authz, sse and the upload route.</summary>
public static class ScopeRules
{
    /// <summary>People are not limited by scopes; a machine client needs the scope of the route, and reaches none that names no scope.</summary>
    public static bool May(this Identity identity, string? scope) => identity.Scopes is null || (scope is not null && identity.Scopes.Contains(scope));

    /// <summary>403 INSUFFICIENT_SCOPE with the challenge of RFC 6750 §3.1.</summary>
    public static Task RefuseAsync(HttpContext http, string? scope)
    {
        http.Response.Headers.WWWAuthenticate = scope is null
            ? "Bearer error=\"insufficient_scope\""
            : $"Bearer error=\"insufficient_scope\", scope=\"{scope}\"";
        return Problems.WriteAsync(
            http, StatusCodes.Status403Forbidden, "INSUFFICIENT_SCOPE",
            scope is null ? "API keys do not open this route; a person has to sign in" : $"The API key lacks the scope '{scope}'");
    }
}
