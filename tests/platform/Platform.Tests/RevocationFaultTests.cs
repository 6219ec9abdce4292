using System.Diagnostics;
using System.Net;
using FakeModelServer;
using ScanClient;

namespace Platform.Tests;

/// <summary>
/// People log out while the brokers die or freeze and while auth is killed: every gateway and sse refuse them within 7 s of the answer, and
/// none of them ever again.
/// </summary>
[Trait("Category", "Fault")]
public sealed class RevocationFaultTests
{
    private const int People = 8;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(7);

    [Fact]
    public async Task A_logout_is_seen_everywhere_within_7_s_whatever_becomes_of_brokers_and_auth()
    {
        await using var servers = await ServerSet.StartAsync("rabbitmq");
        await using var run = await PlatformRun.StartAsync(new FakeModelOptions(), servers.Settings, ["--replicas", "gateway=2", .. servers.Arguments]);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));

        // sse is asked without a gateway, and for no job: who is let in gets 400.
        var places = new[]
        {
            new Uri(run.Gateway, "/api/v1/users/me"), new Uri(run.AddressOf("gateway", 1), "/api/v1/users/me"), new Uri(run.AddressOf("sse", 0), "/api/v1/stream"),
        };

        // The broadcasts are on Redis; the revocations, as all state, on PostgreSQL.
        var brokers = new[] { servers["redis"], servers["rabbitmq"] };
        var gone = new List<ScanUser>();

        Task KillBrokersAsync() => Task.WhenAll(brokers.Select(broker => broker.KillAsync()));
        Task StartBrokersAsync() => Task.WhenAll(brokers.Select(broker => broker.StartAsync(limit.Token)));
        Task KillAuthAsync() => run.KillAsync("auth#0", limit.Token);

        // What is to happen afterwards happens when the first of them has been answered and the others have not.
        async Task LogOutAsync(string when, Func<Task>? afterwards = null)
        {
            var users = await Task.WhenAll(Enumerable.Range(0, People).Select(_ => Patience.RepeatAsync(() => run.UserAsync(limit.Token), limit.Token)));
            Assert.DoesNotContain(true, await AskAsync(users));
            var answered = new TaskCompletionSource();
            var leaving = users.Select(async user =>
            {
                await Patience.RepeatAsync(() => LogOutOnceAsync(run, user, limit.Token), limit.Token);
                var acknowledged = Stopwatch.GetTimestamp();
                answered.TrySetResult();
                return await Task.WhenAll(places.Select(place => SeenAsync(when, place, user, acknowledged)));
            }).ToArray();
            await answered.Task.WaitAsync(limit.Token);
            await (afterwards?.Invoke() ?? Task.CompletedTask);
            var seen = (await Task.WhenAll(leaving)).SelectMany(times => times).Order().ToArray();
            gone.AddRange(users);
            Console.WriteLine($"{when}: {seen.Length} times seen, p50 {Ms(seen[seen.Length / 2])}, p99 {Ms(seen[seen.Length * 99 / 100])}");
        }

        // Everywhere, also where somebody is just starting.
        Task<bool[]> AskAsync(IEnumerable<ScanUser> users) => Task.WhenAll(
            users.SelectMany(user => places.Select(place => Patience.RepeatAsync(() => IsRefusedAsync(run, place, user, limit.Token), limit.Token))));

        async Task<TimeSpan> SeenAsync(string when, Uri place, ScanUser user, long acknowledged)
        {
            var sent = Stopwatch.GetTimestamp();
            while (!await IsRefusedAsync(run, place, user, limit.Token))
            {
                // By when it was asked: its answer may have been long on its way.
                var elapsed = Stopwatch.GetElapsedTime(acknowledged, sent);
                Assert.True(elapsed < Limit, $"{when}: {place} takes the token {elapsed} after the logout");
                await Task.Delay(50, limit.Token);
                sent = Stopwatch.GetTimestamp();
            }

            return Stopwatch.GetElapsedTime(acknowledged);
        }

        await LogOutAsync("all well");
        await LogOutAsync("brokers killed meanwhile", KillBrokersAsync);
        await LogOutAsync("brokers away");
        await LogOutAsync("brokers back meanwhile", StartBrokersAsync);
        await LogOutAsync("brokers back");
        await brokers[0].PauseAsync();
        await LogOutAsync("broadcasts frozen");
        brokers[0].Resume();
        await LogOutAsync("auth killed meanwhile", KillAuthAsync);
        await LogOutAsync("auth back");
        await KillBrokersAsync();
        await LogOutAsync("brokers away, auth killed meanwhile", KillAuthAsync);
        await StartBrokersAsync();
        await LogOutAsync("all well again");

        // Who starts now has heard nothing of it.
        foreach (var process in (string[])["gateway#0", "gateway#1", "sse#0"])
        {
            await run.KillAsync(process, limit.Token);
        }

        Assert.DoesNotContain(false, await AskAsync(gone));
    }

    private static async Task<HttpStatusCode> LogOutOnceAsync(PlatformRun run, ScanUser user, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/logout") { Headers = { Authorization = user.Token } };
        using var response = await run.Http.SendAsync(request, cancellationToken);
        return response.EnsureSuccessStatusCode().StatusCode;
    }

    /// <summary>Throws when the answer says nothing about the token.</summary>
    private static async Task<bool> IsRefusedAsync(PlatformRun run, Uri place, ScanUser user, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, place) { Headers = { Authorization = user.Token } };
        using var response = await run.Http.SendAsync(request, cancellationToken);
        return response.StatusCode < HttpStatusCode.InternalServerError
            ? response.StatusCode == HttpStatusCode.Unauthorized
            : throw new HttpRequestException($"{place}: {response.StatusCode}");
    }

    private static string Ms(TimeSpan time) => $"{time.TotalMilliseconds:N0} ms";
}
