using System.Diagnostics;
using FakeModelServer;

namespace Platform.Tests;

/// <summary>
/// auth, what it stands on and the servers below die under people who sign in, refresh and sign out. Nobody is signed out by an answer that was
/// lost, who signed out stays out, and no account is there by half.
/// </summary>
[Trait("Category", "Fault")]
public sealed class IdentityFaultTests
{
    private const int People = 12;
    private const int Refreshes = 10;

    /// <summary>Refreshes and logouts that a fault finds under way at least: some of their answers are lost.</summary>
    private const int Open = 2;

    /// <summary>Milliseconds that those have on their way at most before the fault; a refresh takes about as many.</summary>
    private const int MaxLead = 20;

    /// <summary>How long a signed out token may be taken on a platform that is whole.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(7);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Away = TimeSpan.FromSeconds(1);

    private delegate Task Fault(CancellationToken cancellationToken);

    [Fact]
    public async Task Processes_that_die_end_no_session_and_revive_none()
    {
        await using var run = await StartAsync([]);
        var repeated = await LiveAsync(run, [.. ((string[])["auth#0", "sidecar", "users#0", "auth#0", "gateway#0", "sidecar", "auth#0"]).Select(Kill)]);

        Assert.NotEqual(0, repeated);

        Fault Kill(string process) => cancellationToken => run.KillAsync(process, cancellationToken);
    }

    [Theory]
    [InlineData("redis", "redis", "redis", "redis", "redis", "redis")]
    [InlineData("rabbitmq", "postgresql", "rabbitmq", "redis", "postgresql")]
    public async Task Servers_that_die_end_no_session_and_revive_none(string set, params string[] victims)
    {
        await using var servers = await ServerSet.StartAsync(set);
        await using var run = await StartAsync(servers.Settings, servers.Arguments);
        await LiveAsync(run, [.. victims.Select(Kill)]);

        Fault Kill(string server) => async cancellationToken =>
        {
            await servers[server].KillAsync();
            await Task.Delay(Away, cancellationToken);
            await servers[server].StartAsync(cancellationToken);
        };
    }

    /// <summary>People who try for a whole restart are still those whose answer was lost; and here they all have one address.</summary>
    private static Task<PlatformRun> StartAsync((string Name, string Value)[] settings, params string[] arguments) => PlatformRun.StartAsync(
        new FakeModelOptions(), [("Auth__RefreshGrace", "00:02:00"), ("Auth__Passwords__TriesPerAddress", "100000"), .. settings], arguments);

    /// <summary>
    /// Everybody signs in, refreshes and signs out, until the last fault is over and once after it. Each fault comes while several refresh or sign
    /// out. Returns how many requests had to be repeated.
    /// </summary>
    private static async Task<int> LiveAsync(PlatformRun run, params Fault[] faults)
    {
        using var limit = new CancellationTokenSource(Patience);
        var rounds = 0;
        var open = 0;
        var taken = new List<TimeSpan>();
        var ended = new List<Tokens>();

        // Since when nothing is away.
        var whole = 0L;

        // Refreshes are short and logins are long, so that by chance there is hardly ever more than one: before a fault they wait for each other.
        var start = new TaskCompletionSource();
        start.SetResult();

        async Task DuringAsync(Func<Task> change)
        {
            Interlocked.Increment(ref open);
            await Volatile.Read(ref start).Task;
            await change();
            Interlocked.Decrement(ref open);
        }

        async Task SignOutAsync(PatientUser person, Tokens tokens)
        {
            await DuringAsync(() => person.SignOutAsync(tokens));
            var acknowledged = Stopwatch.GetTimestamp();
            var last = TimeSpan.Zero;
            while (await person.IsTakenAsync(tokens))
            {
                last = Stopwatch.GetElapsedTime(acknowledged, person.Sent);
                var since = Stopwatch.GetElapsedTime(Math.Max(acknowledged, Volatile.Read(ref whole)), person.Sent);
                Assert.True(since < Limit, $"taken {last} after the logout, {since} after the last fault");
                await Task.Delay(20, limit.Token);
            }

            Assert.False(await person.CanRefreshAsync(tokens));
            lock (taken)
            {
                taken.Add(last);
                ended.Add(tokens);
            }
        }

        async Task UntilAsync(Func<bool> condition)
        {
            while (!condition())
            {
                await Task.Delay(1, limit.Token);
            }
        }

        var disturbing = Task.Run(async () =>
        {
            foreach (var (number, fault) in faults.Index())
            {
                var due = Volatile.Read(ref rounds) + (People / 2);
                await UntilAsync(() => Volatile.Read(ref rounds) >= due);
                Volatile.Write(ref start, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
                await UntilAsync(() => Volatile.Read(ref open) >= Open);
                Console.WriteLine($"fault {number + 1} of {faults.Length} after {Volatile.Read(ref rounds)} sign-ins, with {Volatile.Read(ref open)} refreshes and logouts open");
                Volatile.Write(ref whole, long.MaxValue);
                start.SetResult();
                // Somewhere on their way to the store and back.
                await Task.Delay(Random.Shared.Next(MaxLead), limit.Token);
                await fault(limit.Token);
                await run.WaitReadyAsync(TimeSpan.FromMinutes(1));
                Volatile.Write(ref whole, Stopwatch.GetTimestamp());
            }
        });
        var people = Enumerable.Range(0, People).Select(_ => new PatientUser(run.Http, limit.Token)).ToArray();
        var lives = people.Select(async person =>
        {
            bool last;
            do
            {
                last = disturbing.IsCompleted;
                var tokens = await person.SignInAsync();
                for (var n = 0; n < Refreshes; n++)
                {
                    await DuringAsync(async () => tokens = await person.RefreshAsync(tokens));
                    Assert.True(await person.IsTakenAsync(tokens));
                }

                await SignOutAsync(person, tokens);
                Interlocked.Increment(ref rounds);
            }
            while (!last);
        }).ToList();
        try
        {
            // Whoever fails ends it: the others alone would never be enough at a time for the next fault.
            await foreach (var life in Task.WhenEach(lives))
            {
                await life;
            }

            await disturbing;
        }
        catch
        {
            await limit.CancelAsync();
            throw;
        }

        foreach (var tokens in ended)
        {
            Assert.False(await people[0].IsTakenAsync(tokens));
            Assert.False(await people[0].CanRefreshAsync(tokens));
        }

        taken.Sort();
        var repeated = people.Sum(person => person.Repeated);
        Console.WriteLine(
            $"{rounds} sign-ins with {Refreshes} refreshes and a logout each, {repeated} requests repeated, {faults.Length} deaths; tokens were taken after "
            + $"their logout for p50 {taken[taken.Count / 2].TotalMilliseconds:N0} ms, p99 {taken[taken.Count * 99 / 100].TotalMilliseconds:N0} ms, "
            + $"at most {taken[^1].TotalMilliseconds:N0} ms");
        return repeated;
    }
}
