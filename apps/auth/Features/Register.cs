using System.ComponentModel.DataAnnotations;
using Auth.Passwords;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Auth.Features;

/// <summary>
/// <c>POST /api/v1/auth/register</c>: an account with a password, and its first session. Idempotent by e-mail and password: who repeats it is signed in.
/// Another password for an address that has an account is a wrong password, and counts as one; 409 says so, because a registration that pretended to
/// succeed could not be told from one that did.
/// </summary>
internal static class Register
{
    public sealed record Request(
        [Required, StringLength(EmailAddress.MaxLength)] string? Email, [Required, StringLength(1024)] string? Password, [StringLength(120)] string? Nickname = null,
        string? DeviceId = null);

    public static void MapRegister(this IEndpointRouteBuilder auth) => auth.MapPost("/register", HandleAsync).WithName(nameof(Register)).WithSummary("Makes an account with a password")
        .Answers(409, "EMAIL_TAKEN").Answers(422, "EMAIL_INVALID", "PASSWORD_REFUSED").Answers(404, "NOT_FOUND").Answers(429, "TOO_MANY_LOGIN_TRIES").Answers(503, "USERS_UNAVAILABLE", "LOGIN_BUSY");

    private static async Task<Results<Ok<PasswordSignIn.Response>, ProblemHttpResult>> HandleAsync(
        Request request, HttpContext http, PasswordSignIn signIn, PasswordRules rules, CancellationToken cancellationToken)
    {
        if (signIn.RefuseWhenOff() is { } off)
        {
            return off;
        }

        if (EmailAddress.Normalise(request.Email) is not { } email)
        {
            return Problems.Of(422, "EMAIL_INVALID", "This is no e-mail address");
        }

        var password = PasswordRules.Normalise(request.Password);
        return rules.Refuse(password, email, request.Nickname) is { } reason
            ? Problems.Of(422, "PASSWORD_REFUSED", reason)
            : await signIn.RunAsync(http, email, request.Nickname, password, request.DeviceId, create: true, Taken, cancellationToken);
    }

    private static ProblemHttpResult Taken() => Problems.Of(409, "EMAIL_TAKEN", "There is an account with this address; sign in, or use another address");
}
