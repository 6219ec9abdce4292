using System.Globalization;
using Auth.Audit;
using Auth.Sessions;
using Contracts.Users;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Polly.CircuitBreaker;
using Polly.Timeout;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Passwords;

/// <summary>What registration and login have in common: the check, its refusals, and the session after it.</summary>
internal sealed class PasswordSignIn(
    PasswordCheck check, CredentialStore credentials, UsersClient users, SessionService sessions, LoginAudit audit, IdentityCookies cookies, TimeProvider time,
    IOptions<PasswordOptions> options, IHostEnvironment environment)
{
    /// <summary>Claim <c>provider</c> of who signed in this way.</summary>
    public const string Provider = "password";

    /// <summary>The answer of both.</summary>
    public sealed record Response(string UserId, string AccessToken, DateTimeOffset ExpiresAt);

    /// <summary>The refusal where password accounts are off; else null.</summary>
    public ProblemHttpResult? RefuseWhenOff() =>
        options.Value.IsOn(environment) ? null : Problems.Of(404, "NOT_FOUND", "There are no password accounts here");

    /// <summary>Checks and signs in. A password that is not right is answered by <paramref name="wrong"/>.</summary>
    public async Task<Results<Ok<Response>, ProblemHttpResult>> RunAsync(
        HttpContext http, string email, string? nickname, string? password, string? deviceId, bool create, Func<ProblemHttpResult> wrong,
        CancellationToken cancellationToken)
    {
        var device = Device.Of(http.Request, deviceId);
        var emailHash = EmailAddress.Hash(email);
        var result = await check.RunAsync(emailHash, password, device.Address, create, cancellationToken);
        if (result is not { Verdict: PasswordVerdict.Right, Credential: { } credential })
        {
            // After the answer: what is written for accounts that exist must not show in its time.
            http.Response.OnCompleted(() =>
                audit.RecordAsync(LoginOutcome.Failure, Provider, result.Credential?.UserId, device, Reason(result.Verdict), CancellationToken.None));
            return result.Verdict == PasswordVerdict.Wrong ? wrong() : Refuse(http, result, time.GetUtcNow());
        }

        // The account in users, then the session. Killed in between, the next login completes it: every step finds what was done.
        SignedInUser user;
        try
        {
            user = await users.SignInAsync(new SignInUser(Provider, credential.AccountId, time.GetUtcNow(), email, nickname), cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or TimeoutRejectedException or BrokenCircuitException)
        {
            http.Response.Headers.RetryAfter = "2";
            return Problems.Of(503, "USERS_UNAVAILABLE", "The account could not be looked up; the password was right, try again soon");
        }

        await credentials.BelongsToAsync(emailHash, credential, user.UserId, cancellationToken);
        var pair = await sessions.StartAsync(new SignIn(user.UserId, Provider, device), cancellationToken);
        if ((await credentials.FindAsync(emailHash, cancellationToken))?.Password.IsSameAs(credential.Password) != true)
        {
            // Changed while we were at it. Whoever changes it later sees this session and ends it.
            await sessions.EndAsync(pair.SessionId, EndReasons.PasswordChanged, user.UserId, cancellationToken);
            return wrong();
        }

        await audit.RecordAsync(LoginOutcome.Success, Provider, user.UserId, device, null, cancellationToken);
        cookies.Append(http.Response, pair);
        return TypedResults.Ok(new Response(user.UserId, pair.AccessToken, pair.AccessExpiresAt));
    }

    /// <summary>The answer to a password that was not looked at.</summary>
    public static ProblemHttpResult Refuse(HttpContext http, PasswordResult result, DateTimeOffset now)
    {
        if (result.Verdict == PasswordVerdict.Busy)
        {
            http.Response.Headers.RetryAfter = "2";
            return Problems.Of(503, "LOGIN_BUSY", "Too many people sign in right now; try again soon");
        }

        var seconds = (int)Math.Max(1, Math.Ceiling((result.BlockedUntil!.Value - now).TotalSeconds));
        http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return Problems.Of(429, "TOO_MANY_LOGIN_TRIES", "Too many wrong passwords; wait as long as Retry-After says");
    }

    private static string Reason(PasswordVerdict verdict) => verdict switch
    {
        PasswordVerdict.Blocked => "too_many_tries",
        PasswordVerdict.Busy => "busy",
        _ => "wrong_password",
    };
}
