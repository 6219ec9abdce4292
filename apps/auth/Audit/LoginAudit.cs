using System.Diagnostics.Metrics;
using Auth.Sessions;
using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Auth.Audit;

/// <summary>How a sign-in ended.</summary>
public static class LoginOutcome
{
    /// <summary>A session began.</summary>
    public const string Success = "success";

    /// <summary>It did not.</summary>
    public const string Failure = "failure";
}

/// <summary>One sign-in, or one try.</summary>
/// <param name="Id">Event id.</param>
/// <param name="At">When.</param>
/// <param name="Outcome">One of <see cref="LoginOutcome"/>.</param>
/// <param name="Way">google, kakao, naver, password, guest, api-key.</param>
/// <param name="Device">From where.</param>
/// <param name="Reason">Why it failed, a code; null for a success.</param>
public sealed record LoginRecord(Guid Id, DateTimeOffset At, string Outcome, string Way, Device Device, string? Reason);

/// <summary>The sign-ins of a person, newest first: the document <c>audit:{user id}</c>.</summary>
public sealed record LoginHistory(IReadOnlyList<LoginRecord> Logins);

/// <summary>Keeps who signed in how, and counts all tries. No token, code or e-mail address is ever in it.</summary>
internal sealed partial class LoginAudit(
    DaprClient dapr, TimeProvider time, IOptions<AuthOptions> options, IMeterFactory meters, ILogger<LoginAudit> logger) : IUserData
{
    private readonly Counter<long> _logins = meters.Create("Auth").CreateCounter<long>("auth.logins", "{login}", "Sign-ins by way, outcome and reason");

    /// <summary>
    /// Records a sign-in or a try. Without a user there is a count and a log line only: a list that strangers fill would be of use to nobody.
    /// </summary>
    /// <param name="outcome">One of <see cref="LoginOutcome"/>.</param>
    /// <param name="way">google, kakao, naver, password, guest, api-key.</param>
    /// <param name="userId">Whose, if that is known.</param>
    /// <param name="device">From where.</param>
    /// <param name="reason">A stable code of a failure such as <c>wrong_password</c>, one of few; null for a success.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task RecordAsync(string outcome, string way, string? userId, Device device, string? reason, CancellationToken cancellationToken)
    {
        _logins.Add(1, new("way", way), new("outcome", outcome), new("reason", reason ?? "none"));
        if (outcome == LoginOutcome.Success)
        {
            LogSucceeded(logger, userId, way);
        }
        else
        {
            LogFailed(logger, way, reason, userId);
        }

        if (userId is null)
        {
            return;
        }

        var now = time.GetUtcNow();
        var login = new LoginRecord(Guid.CreateVersion7(now), now, outcome, way, device, reason);
        await dapr.UpdateStateAsync<LoginHistory>(
            Components.StateStore, Key(userId), stored => Add(stored ?? new LoginHistory([]), login, options.Value.AuditKept), cancellationToken: cancellationToken);
    }

    /// <summary>What is kept of a person, newest first.</summary>
    public async Task<IReadOnlyList<LoginRecord>> GetAsync(string userId, CancellationToken cancellationToken) =>
        (await dapr.GetStateAsync<LoginHistory?>(Components.StateStore, Key(userId), cancellationToken: cancellationToken))?.Logins ?? [];

    /// <summary>Forgets the sign-ins of somebody whose account was deleted.</summary>
    public Task EraseAsync(string userId, CancellationToken cancellationToken) =>
        dapr.DeleteStateAsync(Components.StateStore, Key(userId), cancellationToken: cancellationToken);

    /// <summary>The state key.</summary>
    private static string Key(string userId) => $"audit:{userId}";

    /// <summary>Idempotent by event id: a write whose answer was lost meets itself.</summary>
    private static LoginHistory Add(LoginHistory history, LoginRecord login, int kept) =>
        history.Logins.Any(known => known.Id == login.Id) ? history : new LoginHistory([login, .. history.Logins.Take(kept - 1)]);

    [LoggerMessage(2020, LogLevel.Information, "User {UserId} signed in by {Way}")]
    private static partial void LogSucceeded(ILogger logger, string? userId, string way);

    [LoggerMessage(2021, LogLevel.Warning, "A sign-in by {Way} failed: {Reason}, user {UserId}")]
    private static partial void LogFailed(ILogger logger, string way, string? reason, string? userId);
}
