using Microsoft.AspNetCore.Http;

namespace ServiceDefaults;

/// <summary>
/// The signed-in user as the gateway says (<c>X-User-ID</c>). A handler's parameter of this type is bound only on endpoints with
/// <see cref="CallerExtensions.RequireCaller"/>: anywhere else the header is anybody's word.
/// </summary>
/// <param name="Id">User id.</param>
public sealed record UserIdentity(string Id)
{
    /// <summary>Header that carries the id.</summary>
    public const string Header = "X-User-ID";

    /// <summary>Binds the parameter; 401 when the header is missing.</summary>
    public static ValueTask<UserIdentity> BindAsync(HttpContext http)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<AllowedCallers>() is not { AppIds.Count: > 0 })
        {
            throw new InvalidOperationException("UserIdentity needs RequireCaller on the endpoint");
        }

        return http.Request.Headers[Header] is [{ Length: > 0 and <= 128 } id, ..]
            ? ValueTask.FromResult(new UserIdentity(id))
            : throw new BadHttpRequestException("Sign in first", StatusCodes.Status401Unauthorized);
    }
}
