using System.ComponentModel.DataAnnotations;
using Auth.Passwords;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Auth.Features;

/// <summary>
/// <c>POST /api/v1/auth/login</c>: e-mail and password. A wrong password and an unknown address get the same answer after the same work. A repetition
/// begins another session.
/// </summary>
internal static class Login
{
    public sealed record Request([Required, StringLength(EmailAddress.MaxLength)] string? Email, [Required, StringLength(1024)] string? Password, string? DeviceId = null);

    public static void MapLogin(this IEndpointRouteBuilder auth) => auth.MapPost("/login", HandleAsync).WithName(nameof(Login)).WithSummary("Signs in with a password")
        .Answers(401, "WRONG_CREDENTIALS").Answers(422, "EMAIL_INVALID").Answers(404, "NOT_FOUND").Answers(429, "TOO_MANY_LOGIN_TRIES").Answers(503, "USERS_UNAVAILABLE", "LOGIN_BUSY");

    private static async Task<Results<Ok<PasswordSignIn.Response>, ProblemHttpResult>> HandleAsync(
        Request request, HttpContext http, PasswordSignIn signIn, CancellationToken cancellationToken)
    {
        if (signIn.RefuseWhenOff() is { } off)
        {
            return off;
        }

        return EmailAddress.Normalise(request.Email) is { } email
            ? await signIn.RunAsync(http, email, null, PasswordRules.Normalise(request.Password), request.DeviceId, create: false, Wrong, cancellationToken)
            : Problems.Of(422, "EMAIL_INVALID", "This is no e-mail address");
    }

    private static ProblemHttpResult Wrong() => Problems.Of(401, "WRONG_CREDENTIALS", "E-mail address or password is wrong");
}
