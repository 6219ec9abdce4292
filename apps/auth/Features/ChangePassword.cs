using System.ComponentModel.DataAnnotations;
using Auth.Passwords;
using Auth.Sessions;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Auth.Features;

/// <summary>
/// <c>POST /api/v1/auth/password</c>: another password, and the end of all other sessions. The password is stored first; a repetition, for which the
/// current password is wrong by now, is known by the new one and ends the sessions that are left.
/// </summary>
internal static class ChangePassword
{
    public sealed record Request([Required, StringLength(1024)] string? Current, [Required, StringLength(1024)] string? New);

    public static void MapChangePassword(this IEndpointRouteBuilder auth) => auth.MapPost("/password", HandleAsync).WithName(nameof(ChangePassword)).WithSummary("Changes my password")
        .Answers(401, "WRONG_CREDENTIALS").Answers(409, "NO_PASSWORD").Answers(422, "PASSWORD_REFUSED").Answers(404, "NOT_FOUND").Answers(429, "TOO_MANY_LOGIN_TRIES").Answers(503, "USERS_UNAVAILABLE", "LOGIN_BUSY");

    private static async Task<Results<NoContent, ProblemHttpResult>> HandleAsync(
        Request request, HttpContext http, UserIdentity user, PasswordSignIn signIn, PasswordCheck check, PasswordRules rules, CredentialStore credentials,
        SessionService sessions, TimeProvider time, CancellationToken cancellationToken)
    {
        if (signIn.RefuseWhenOff() is { } off)
        {
            return off;
        }

        if (await credentials.OwnerAsync(user.Id, cancellationToken) is not { } owner)
        {
            return Problems.Of(409, "NO_PASSWORD", "This account has no password; it signs in with a provider");
        }

        var wanted = PasswordRules.Normalise(request.New);
        if (rules.Refuse(wanted, null, null) is { } reason)
        {
            return Problems.Of(422, "PASSWORD_REFUSED", reason);
        }

        var address = Device.Of(http.Request).Address;
        var result = await check.RunAsync(owner.EmailHash, PasswordRules.Normalise(request.Current), address, create: false, cancellationToken);
        if (result.Verdict == PasswordVerdict.Wrong)
        {
            var repeated = await check.RunAsync(owner.EmailHash, wanted, address, create: false, cancellationToken);
            if (repeated.Verdict != PasswordVerdict.Right)
            {
                return repeated.Verdict == PasswordVerdict.Wrong ? Wrong() : PasswordSignIn.Refuse(http, repeated, time.GetUtcNow());
            }
        }
        else if (result is { Verdict: PasswordVerdict.Right, Credential: { } credential })
        {
            if (await check.HashAsync(wanted!, cancellationToken) is not { } hash)
            {
                return PasswordSignIn.Refuse(http, new PasswordResult(PasswordVerdict.Busy), time.GetUtcNow());
            }

            if (await credentials.ReplaceAsync(owner.EmailHash, credential, hash, time.GetUtcNow(), cancellationToken) is null)
            {
                return Wrong();
            }
        }
        else
        {
            return PasswordSignIn.Refuse(http, result, time.GetUtcNow());
        }

        await sessions.EndAllAsync(user.Id, EndReasons.PasswordChanged, cancellationToken, except: user.SessionId);
        return TypedResults.NoContent();
    }

    private static ProblemHttpResult Wrong() => Problems.Of(401, "WRONG_CREDENTIALS", "The current password is wrong");
}
