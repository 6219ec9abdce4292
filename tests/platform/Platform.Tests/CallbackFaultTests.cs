using System.Diagnostics;
using System.Net;
using System.Text.Json;
using FakeModelServer;
using ScanClient;

namespace Platform.Tests;

/// <summary>
/// At least 500 tasks of desk, told to receivers of every kind, while processes, or the servers of a component set, die under them. What clients and receivers saw is
/// checked as a history.
/// </summary>
[Trait("Category", "Fault")]
public sealed class CallbackFaultTests
{
    private const int Users = 50;
    private const int TasksEach = 10;

    /// <summary>Between the attempts at a callback, seconds: two minutes in all, longer than a receiver is away here.</summary>
    private static readonly int[] Waits = [1, 1, 1, 2, 4, 8, 16, 32, 32, 32];

    /// <summary>How long after its first message a receiver is away at most: shorter than <see cref="Waits"/> in all.</summary>
    private static readonly TimeSpan AwayLimit = TimeSpan.FromSeconds(100);

    /// <summary>For what is still under way when the last task has ended.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromMinutes(4);

    private static readonly Manner[] Manners = Enum.GetValues<Manner>();

    private static readonly Manner[] Hopeless = [Manner.Redirects, Manner.Refuses, Manner.Locked, Manner.Gone, Manner.Plain];

    private static readonly (string Name, string Value)[] Settings =
    [
        // The photos are no desks, and many; nothing is drawn.
        ("Ai__Model", "local"),
        ("Desk__LocalThreshold", "0.001"),
        ("Desk__Generation__Side", "256"),
        ("Desk__Generation__TasksPerDay", "1000"),
        // A machine that is busy restarts a process in ten seconds.
        ("Desk__Generation__StepRetries", "10"),
        ("Desk__Generation__Deadline", "00:10:00"),
        ("Gateway__RateLimits__Policies__desk__Quota", "1000"),
        .. Waits.Select((seconds, place) => ($"Desk__Callbacks__Waits__{place}", $"{TimeSpan.FromSeconds(seconds)}")),
        ("Desk__Callbacks__MaxRetryAfter", "00:00:05"),
        ("Desk__Callbacks__OwnRetryInterval", "00:00:05"),
    ];

    private delegate Task Fault(Random random, CancellationToken cancellationToken);

    [Fact]
    public async Task Processes_that_die_lose_no_task_and_tell_each_end_once()
    {
        await using var run = await PlatformRun.StartAsync(new FakeModelOptions(), Settings, "-c", "local");
        await DrawAsync(run, rounds: 3, [.. ((string[])["desk#0", "sidecar", "event-router#0", "images#0"]).Select(Kill)]);

        Fault Kill(string process) => (_, cancellationToken) => run.KillAsync(process, cancellationToken);
    }

    [Fact]
    public async Task Servers_that_die_lose_no_task_and_tell_each_end_once()
    {
        await using var servers = await ServerSet.StartAsync("rabbitmq");
        await using var run = await PlatformRun.StartAsync(new FakeModelOptions(), [.. Settings, .. servers.Settings], servers.Arguments);
        await DrawAsync(
            run, rounds: 2, [.. ((string[])["rabbitmq", "postgresql", "redis"]).Select(Kill), (_, cancellationToken) => run.KillAsync("desk#0", cancellationToken)]);

        Fault Kill(string server) => async (random, cancellationToken) =>
        {
            var away = TimeSpan.FromMilliseconds(random.Next(200, 2000));
            await servers[server].KillAsync();
            await Task.Delay(away, cancellationToken);
            await servers[server].StartAsync(cancellationToken);
        };
    }

    /// <summary>
    /// Everybody has one desk after the other drawn, at least ten and until the last fault is over. Faults come in an order and at moments that the seed decides:
    /// first all in quick succession, so that several are away at the same time, then each by itself in <paramref name="rounds"/>, between tasks that end. Then the
    /// history is checked.
    /// </summary>
    private static async Task DrawAsync(PlatformRun run, int rounds, Fault[] faults)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("FAULT_SEED"), out var given) ? given : 20261122;
        Console.WriteLine($"FAULT_SEED={seed}, load {await File.ReadAllTextAsync("/proc/loadavg")}");
        var random = new Random(seed);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(15));
        await using var receiver = await CallbackReceiver.StartAsync(run);
        await using var late = new CallbackReceiver(run);
        var users = await Task.WhenAll(Enumerable.Range(0, Users).Select(_ => Patience.RepeatAsync(() => run.UserAsync(limit.Token), limit.Token)));
        var history = new CallbackHistory();
        var owners = new Dictionary<Guid, ScanUser>();
        var streams = new List<JobStream>();
        var started = Stopwatch.GetTimestamp();
        var submitted = 0;
        var repeated = 0;
        var open = 0;
        var done = 0;

        // By the end of round 1 every victim has died at least once under messages to this address.
        var missed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var disturbed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var opening = Task.Run(async () =>
        {
            await missed.Task.WaitAsync(limit.Token);
            await Task.WhenAny(disturbed.Task, Task.Delay(AwayLimit, limit.Token));
            await late.OpenAsync();
        });
        var disturbing = Task.Run(async () =>
        {
            for (var round = 0; round <= rounds; round++)
            {
                random.Shuffle(faults);
                var under = new List<Task>();
                foreach (var fault in faults)
                {
                    var due = round == 0 ? 0 : Volatile.Read(ref done) + random.Next(Users);
                    await Task.Delay(random.Next(200, 1500), limit.Token);
                    while (Volatile.Read(ref done) < due || Volatile.Read(ref open) < Users / 2)
                    {
                        await Task.Delay(1, limit.Token);
                    }

                    under.Add(fault(random, limit.Token));
                    if (round > 0)
                    {
                        await under[^1];
                        await run.WaitReadyAsync(TimeSpan.FromMinutes(1));
                    }
                }

                await Task.WhenAll(under);
                Console.WriteLine($"round {round} is over after {Stopwatch.GetElapsedTime(started).TotalSeconds:N0} s, {done} tasks, {receiver.Attempts.Count} attempts");
                if (round == 1)
                {
                    disturbed.SetResult();
                }
            }
        });
        await Task.WhenAll(users.Select(async user =>
        {
            for (var count = 0; count < TasksEach || !disturbing.IsCompleted; count++)
            {
                var number = Interlocked.Increment(ref submitted);
                var manner = Manners[number % Manners.Length];
                var request = new
                {
                    initial_image_url = receiver.Picture(number), request_id = $"order-{number}", callback_url = (manner == Manner.Away ? late : receiver).Hook(manner, number),
                };
                var tries = 0;
                var accepted = await Patience.RepeatAsync(
                    () =>
                    {
                        tries++;
                        return user.PostAsync("/api/v1/desk/v1/generate", request, limit.Token);
                    },
                    limit.Token);
                Interlocked.Add(ref repeated, tries - 1);
                var task = accepted.GetProperty("task_id").GetGuid();
                history.Accept(task, Hopeless.Contains(manner) ? Promise.Dead : Promise.Delivered);
                Interlocked.Increment(ref open);
                var stream = new JobStream(user, "/api/v1/jobs");
                await stream.ReadToEndAsync(task, limit.Token);
                Interlocked.Decrement(ref open);
                Interlocked.Increment(ref done);
                if (manner == Manner.Away)
                {
                    missed.TrySetResult();
                }

                history.Follow(task, stream.Events);
                lock (streams)
                {
                    streams.Add(stream);
                    owners[task] = user;
                }
            }
        }));
        await disturbing;
        await opening;
        var drawn = Stopwatch.GetElapsedTime(started);

        var deliveries = await EndAsync(owners, limit.Token);
        var letters = JsonElement.Parse(await run.VerbAsync("dead", "list", "--app", "desk", "-o", "json")).EnumerateArray().Select(letter => letter.GetProperty("id").GetString()!);
        CallbackAttempt[] attempts = [.. receiver.Attempts, .. late.Attempts];
        Console.WriteLine(
            $"{submitted} tasks in {drawn.TotalSeconds:N0} s ({streams.Count(stream => stream.Terminal == "failed")} failed), {faults.Length * (rounds + 1)} deaths, {repeated} submissions repeated, "
            + $"{streams.Sum(stream => stream.Reconnects)} reconnects; {attempts.Length} attempts at {attempts.DistinctBy(attempt => attempt.Id).Count()} messages, "
            + $"{deliveries.Values.CountBy(state => state).Aggregate("", (text, state) => $"{text}{state.Value} {state.Key}, ")}all over after "
            + $"{Stopwatch.GetElapsedTime(started).TotalSeconds:N0} s, load {await File.ReadAllTextAsync("/proc/loadavg")}");
        Assert.True(submitted >= Users * TasksEach);
        Assert.All(streams, stream => Assert.Empty(stream.Violations));
        Assert.All(streams, stream => Assert.Equal("completed", stream.Terminal));
        Assert.Equal(0, receiver.Followed);
        Assert.Empty(history.Check(attempts, deliveries, [.. letters]));
    }

    /// <summary>Waits until no delivery is under way, but not for ever, and returns how they ended. Each is read by its owner.</summary>
    private static async Task<Dictionary<Guid, string>> EndAsync(Dictionary<Guid, ScanUser> owners, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var ended = new Dictionary<Guid, string>();
        foreach (var (task, owner) in owners)
        {
            var message = CallbackHistory.MessageOf(task);
            string? state;
            while ((state = await StateAsync(owner, message, cancellationToken)) is null or "pending" && Stopwatch.GetElapsedTime(began) < EndLimit)
            {
                await Task.Delay(200, cancellationToken);
            }

            ended.Add(message, state ?? "missing");
        }

        return ended;
    }

    /// <summary>Null when the log is not there yet: a task ends before its end is told.</summary>
    private static async Task<string?> StateAsync(ScanUser owner, Guid message, CancellationToken cancellationToken)
    {
        try
        {
            return (await Patience.RepeatAsync(() => owner.GetAsync($"/api/v1/desk/callbacks/{message}", cancellationToken), cancellationToken)).GetProperty("state").GetString();
        }
        catch (ApiProblemException problem) when (problem.Status == HttpStatusCode.NotFound)
        {
            return null;
        }
    }
}
