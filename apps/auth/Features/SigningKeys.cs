using System.ComponentModel.DataAnnotations;
using Auth.Keys;
using Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Auth.Features;

/// <summary>
/// <c>/internal/signing-keys</c> for operators (<c>./daprw keys</c>), by the own sidecar of auth alone: whoever holds its API token may do
/// anything here anyway.
/// </summary>
internal static class SigningKeys
{
    /// <param name="KeyId">Id of the new key, chosen by the caller: asking again with it changes nothing. 32 hex digits.</param>
    /// <param name="Now">The old keys may be known to somebody: the new one signs at once, and nothing that others signed is valid any more.</param>
    public sealed record RotateRequest([Required, RegularExpression("^[0-9a-f]{32}$")] string KeyId, bool Now = false);

    public sealed record Response(IReadOnlyList<KeyState> Keys);

    public static void MapSigningKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/internal/signing-keys").WithTags("Keys").RequireCaller(Apps.Auth);
        keys.MapGet("", List).WithName("ListSigningKeys");
        keys.MapPost("/rotate", RotateAsync).WithName("RotateSigningKeys");
    }

    private static Results<Ok<Response>, ProblemHttpResult> List(KeyRing keys) => keys.IsLoaded ? TypedResults.Ok(new Response(keys.List())) : Unavailable(keys.Failure);

    /// <summary>Idempotent by the key id.</summary>
    private static async Task<Results<Ok<Response>, ProblemHttpResult>> RotateAsync(RotateRequest request, KeyRing keys, CancellationToken cancellationToken)
    {
        try
        {
            await keys.RotateAsync(request.KeyId, request.Now, cancellationToken);
            return TypedResults.Ok(new Response(keys.List()));
        }
        catch (KeyRingException exception)
        {
            return Unavailable(exception.Message);
        }
    }

    private static ProblemHttpResult Unavailable(string? reason) => Problems.Of(503, "SIGNING_KEYS_UNAVAILABLE", $"The signing keys are not there: {reason}");
}
