using System.Text.Json;
using ScanClient;

namespace Platform.Tests;

/// <summary>What users and characters hold after a run.</summary>
internal static class Bookings
{
    /// <summary>
    /// The bookings of the users. Rewards arrive after the scan has ended, so each is read until every reward that the history knows of is in both
    /// places; what must not be there is for the history to find.
    /// </summary>
    public static Task<Booking[]> ReadAsync(PlatformRun run, ScanHistory history, IEnumerable<string> users, CancellationToken cancellationToken) =>
        Task.WhenAll(users.Select(user => ReadAsync(run, history, user, cancellationToken)));

    private static async Task<Booking> ReadAsync(PlatformRun run, ScanHistory history, string user, CancellationToken cancellationToken)
    {
        var rewarded = history.Rewarded(user);
        while (true)
        {
            var account = await run.StateAsync("users", $"user:{user}", cancellationToken);
            var owner = await run.StateAsync("characters", $"owner:{user}", cancellationToken);
            var (granted, recorded) = (Jobs(account, "ledger", "source_id"), Jobs(owner, "facts", "job_id"));
            if (rewarded.Except(granted).Any() || rewarded.Except(recorded).Any())
            {
                await Task.Delay(50, cancellationToken);
                continue;
            }

            AssertOneCharacter(account);
            AssertOneCharacter(owner);
            return new Booking(user, granted, recorded, account?.GetProperty("points").GetInt32() ?? 0);
        }
    }

    /// <summary>Every scan of these tests wins the same character.</summary>
    private static void AssertOneCharacter(JsonElement? document)
    {
        if (document is { } value)
        {
            Assert.Equal("char-petty", Assert.Single(value.GetProperty("characters").EnumerateArray()).GetProperty("code").GetString());
        }
    }

    private static Guid[] Jobs(JsonElement? document, string list, string name) =>
        document is { } value ? [.. value.GetProperty(list).EnumerateArray().Select(entry => entry.GetProperty(name).GetGuid())] : [];
}
