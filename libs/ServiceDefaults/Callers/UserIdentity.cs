using Microsoft.AspNetCore.Http;

namespace ServiceDefaults;

/// <summary>
/// The signed-in user as the gateway says (<c>X-User-ID</c> and its sisters). A handler's parameter of this type is bound only on endpoints with
/// <see cref="CallerExtensions.RequireCaller"/>: anywhere else the header is anybody's word.
/// </summary>
/// <param name="Id">User id.</param>
/// <param name="Provider">How the person signed in.</param>
/// <param name="SessionId">The sign-in.</param>
/// <param name="Roles">See <see cref="Contracts.Identity.Roles"/>.</param>
public sealed record UserIdentity(string Id, string Provider, string SessionId, IReadOnlyList<string> Roles)
{
    /// <summary>Header that carries the id.</summary>
    public const string Header = "X-User-ID";

    /// <summary>Header that carries the provider.</summary>
    public const string ProviderHeader = "X-Auth-Provider";

    /// <summary>Header that carries the session.</summary>
    public const string SessionHeader = "X-User-Session";

    /// <summary>Header that carries the roles, separated by commas.</summary>
    public const string RolesHeader = "X-User-Roles";

    /// <summary>
    /// Header that carries the address of the client as the gateway saw it, signed in or not. A header of our own: a sidecar on the way writes its own
    /// address into <c>X-Forwarded-For</c>.
    /// </summary>
    public const string AddressHeader = "X-User-Address";

    /// <summary>Binds the parameter; 401 when the header is missing.</summary>
    public static ValueTask<UserIdentity> BindAsync(HttpContext http)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<AllowedCallers>() is not { AppIds.Count: > 0 })
        {
            throw new InvalidOperationException("UserIdentity needs RequireCaller on the endpoint");
        }

        return http.Request.Headers[Header] is [{ Length: > 0 and <= 128 } id, ..]
            ? ValueTask.FromResult(new UserIdentity(id, http.Request.Headers[ProviderHeader].ToString(), http.Request.Headers[SessionHeader].ToString(), RolesOf(http.Request)))
            : throw new BadHttpRequestException("Sign in first", StatusCodes.Status401Unauthorized);
    }

    internal static string[] RolesOf(HttpRequest request) =>
        request.Headers[RolesHeader].ToString().Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
