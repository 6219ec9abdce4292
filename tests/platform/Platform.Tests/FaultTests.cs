using System.Collections.Concurrent;
using FakeModelServer;
using ScanClient;

namespace Platform.Tests;

public sealed class LocalFaultTests() : FaultTests("local");

public sealed class RedisFaultTests() : FaultTests("redis");

public sealed class RabbitMqFaultTests() : FaultTests("rabbitmq");

/// <summary>Processes die under load, with two replicas of event-router and sse. What must hold is checked for every single scan.</summary>
/// <param name="set">Below <c>components/</c>.</param>
[Trait("Category", "Fault")]
public abstract class FaultTests(string set)
{
    private const int Users = 50;
    private const int Together = 5;

    private static readonly string[] Victims =
    [
        "scan-worker#0", "sidecar", "event-router#0", "sse#0", "scan#0", "event-router#1", "sse#1", "characters#0", "users#0", "images#0", "desk#0", "gateway#0",
    ];

    /// <summary>Whose death can interrupt a model call, which is then made again.</summary>
    private static readonly string[] CallersOfModels = ["scan-worker#0", "sidecar"];

    private static readonly FakeModelOptions Slow = new() { VisionLatency = TimeSpan.FromSeconds(1), AnswerLatency = TimeSpan.FromSeconds(1) };

    /// <summary>A scan that was followed to its end; its question is told to nobody else.</summary>
    private sealed record Scan(ScanUser User, Guid Job, string Question, JobStream Stream)
    {
        public DateTimeOffset TimeOf(string key) =>
            Stream.Events.Single(seen => seen.Data.GetProperty("key").GetString() == key).Data.GetProperty("ts").GetDateTimeOffset();

        public DateTimeOffset StartOf(string stage) =>
            Stream.Events.Where(seen => seen.Stage == stage && seen.Status == "started").Min(seen => seen.Data.GetProperty("ts").GetDateTimeOffset());
    }

    private sealed record Death(string Name, DateTimeOffset Time);

    [Fact]
    public async Task Killing_any_process_loses_nothing_and_repeats_nothing()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("FAULT_SEED"), out var given) ? given : 20261121;
        Console.WriteLine($"FAULT_SEED={seed}");
        var random = new Random(seed);
        await using var run = await ComponentSets.StartAsync(set, Slow, "--replicas", "event-router=2", "--replicas", "sse=2");
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var users = await Task.WhenAll(Enumerable.Range(0, Users).Select(_ => Patience.RepeatAsync(() => run.UserAsync(limit.Token), limit.Token)));
        var images = await Task.WhenAll(users.Select(user => Patience.RepeatAsync(() => user.UploadAsync(PlatformRun.Picture, "image/png", limit.Token), limit.Token)));
        var scans = new ConcurrentQueue<Scan>();
        var history = new ScanHistory();
        var deaths = new List<Death>();
        var open = 0;

        async Task KillAsync(string victim, Func<bool> moment)
        {
            await Task.Delay(random.Next(200, 1500), limit.Token);
            while (!moment())
            {
                await Task.Delay(1, limit.Token);
            }

            await run.KillAsync(victim, limit.Token);
            deaths.Add(new Death(victim, DateTimeOffset.UtcNow));
            Console.WriteLine($"kill -9 {victim} with {Volatile.Read(ref open)} open scans and {run.Model.Stats.Running} model calls");
        }

        // In an order and at moments that the seed decides: first some in quick succession, so that several are away at the same time, then
        // every one by itself on a platform that is whole and calls models.
        var killing = Task.Run(async () =>
        {
            foreach (var victim in Shuffled(random).Take(Together))
            {
                await KillAsync(victim, () => Volatile.Read(ref open) >= Users / 2);
            }

            foreach (var victim in Shuffled(random))
            {
                await run.WaitReadyAsync(TimeSpan.FromMinutes(1));
                await KillAsync(victim, () => run.Model.Stats.Running > 0);
            }

            await run.WaitReadyAsync(TimeSpan.FromMinutes(1));
        });
        await Task.WhenAll(users.Zip(images).Select(async pair =>
        {
            bool last;
            do
            {
                // The last scan of everybody begins after the last death.
                last = killing.IsCompleted;
                var question = Guid.NewGuid().ToString();
                var job = await Patience.RepeatAsync(() => pair.First.SubmitAsync(pair.Second, question, limit.Token, question), limit.Token);
                history.Accept(pair.First.UserId, job);
                Interlocked.Increment(ref open);
                var stream = new JobStream(pair.First);
                await stream.ReadToEndAsync(job, limit.Token);
                Interlocked.Decrement(ref open);
                history.Follow(job, stream.Events);
                scans.Enqueue(new Scan(pair.First, job, question, stream));
            }
            while (!last);
        }));
        await killing;

        Console.WriteLine(
            $"{scans.Count} scans, {run.Model.Calls.Count} model calls, {scans.Sum(scan => scan.Stream.Reconnects)} reconnects, "
            + $"{scans.Sum(scan => scan.Stream.Failures.Count)} failed connections");
        Assert.Equal(Together + Victims.Length, deaths.Count);
        Assert.All(scans, scan => Assert.Empty(scan.Stream.Violations));
        var calls = run.Model.Calls.ToLookup(call => (call.Question, call.HasPicture), call => call.Started);
        foreach (var scan in scans)
        {
            AssertCalls(scan, "vision", [.. calls[(scan.Question, true)]], deaths);
            AssertCalls(scan, "answer", [.. calls[(scan.Question, false)]], deaths);
        }

        Assert.Empty(history.Check(await Bookings.ReadAsync(run, history, users.Select(user => user.UserId), limit.Token)));
    }

    /// <summary>
    /// One call, and one more for each death that could interrupt it. None after the result was stored; only when the sidecar died
    /// can a run that was handed out again be under way to its call while the first one stores its result.
    /// </summary>
    private static void AssertCalls(Scan scan, string stage, DateTimeOffset[] calls, List<Death> deaths)
    {
        Assert.NotEmpty(calls);
        // From what the stage said before its first call: the model server notes a call when it has read it, which may be after its sender's death.
        var (started, completed) = (scan.StartOf(stage), scan.TimeOf($"{stage}.completed"));
        var interrupting = deaths.Where(death => CallersOfModels.Contains(death.Name) && death.Time >= started && death.Time <= completed).ToList();
        var text = $"job {scan.Job}, {stage}: calls at {string.Join(", ", calls.Select(call => call.ToString("mm:ss.fff")))}, completed at "
            + $"{completed:mm:ss.fff}, started at {started:mm:ss.fff}, deaths {string.Join(", ", deaths.Select(death => $"{death.Name} {death.Time:mm:ss.fff}"))}";
        Assert.True(calls.Length <= 1 + interrupting.Count, text);
        Assert.True(calls.Count(call => call > completed) <= interrupting.Count(death => death.Name == "sidecar"), text);
    }

    [Fact]
    public async Task A_worker_that_dies_between_a_stored_result_and_its_event_calls_no_model_again()
    {
        await using var run = await ComponentSets.StartAsync(set, Slow);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var user = await Patience.RepeatAsync(() => run.UserAsync(limit.Token), limit.Token);
        var image = await user.UploadAsync(PlatformRun.Picture, "image/png", limit.Token);

        foreach (var stage in (string[])["vision", "answer"])
        {
            // The call ends when nobody takes the event any more that says so.
            using var call = new Gate();
            run.Model.Behave(stage == "vision" ? new FakeModelOptions { VisionUntil = call.Opened } : new FakeModelOptions { AnswerUntil = call.Opened });
            var job = await user.SubmitAsync(image, stage, limit.Token, stage);
            while (!run.Model.Calls.Any(made => made.Question == stage && made.HasPicture == (stage == "vision")))
            {
                await Task.Delay(5, limit.Token);
            }

            // The result can be stored, but nobody takes the event that says so.
            await run.SignalAsync("event-router#0", "STOP");
            call.Open();
            while (await run.StateAsync("scan-worker", $"result:{job}:{stage}", limit.Token) is null)
            {
                await Task.Delay(20, limit.Token);
            }

            await run.KillAsync("scan-worker#0", limit.Token);
            await run.SignalAsync("event-router#0", "CONT");
            var stream = new JobStream(user);
            await stream.ReadToEndAsync(job, limit.Token);

            Assert.Equal("completed", stream.Terminal);
            Assert.Empty(stream.Violations);
            Assert.Equal([true, false], run.Model.Calls.Where(made => made.Question == stage).Select(made => made.HasPicture));
        }
    }

    /// <summary>
    /// Every app but the gateway: it is the one address that clients know, and on one machine only one process can listen there. While
    /// it restarts a connection is refused, whatever the platform does; more than one of it is what deploy/k8s runs.
    /// </summary>
    [Fact]
    public async Task A_rolling_restart_under_load_shows_no_client_an_error()
    {
        await using var run = await ComponentSets.StartAsync(set, Slow, "--replicas", "event-router=2", "--replicas", "sse=2");
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(6));
        using var stop = new CancellationTokenSource();
        var completed = 0;

        // Nothing is repeated here: whatever a call throws is a client's error and fails the test.
        async Task LoopAsync()
        {
            var user = await run.UserAsync(limit.Token);
            do
            {
                var image = await user.UploadAsync(PlatformRun.Picture, "image/png", limit.Token);
                var job = await user.SubmitAsync(image, Guid.NewGuid().ToString(), limit.Token);
                var stream = new JobStream(user);
                await stream.ReadToEndAsync(job, limit.Token);
                Assert.Empty(stream.Violations);
                Assert.Empty(stream.Failures);
                Assert.Equal("completed", stream.Terminal);
                var result = await user.GetAsync($"/api/v1/scan/{job}/result", limit.Token);
                Assert.Equal("completed", result.GetProperty("status").GetString());
                var scans = await user.GetAsync("/api/v1/scan", limit.Token);
                Assert.Contains(scans.GetProperty("scans").EnumerateArray(), scan => scan.GetProperty("job_id").GetGuid() == job);
                await user.GetAsync("/api/v1/users/me/points", limit.Token);
                await user.GetAsync("/api/v1/character/catalog", limit.Token);
                Interlocked.Increment(ref completed);
            }
            while (!stop.IsCancellationRequested);
        }

        var clients = Enumerable.Range(0, Users).Select(_ => LoopAsync()).ToArray();
        foreach (var app in (string[])["characters#0", "users#0", "images#0", "scan-worker#0", "scan#0", "event-router#0", "event-router#1", "sse#0", "sse#1"])
        {
            // Everybody has been everywhere once, and scans are completed between any two restarts: the clients are at different points.
            var due = Math.Max(Users, Volatile.Read(ref completed) + (Users / 5));
            while (Volatile.Read(ref completed) < due && !clients.Any(client => client.IsCompleted))
            {
                await Task.Delay(20, limit.Token);
            }

            await run.RestartAsync(app);
        }

        await stop.CancelAsync();
        await Task.WhenAll(clients);
        Console.WriteLine($"{completed} scans completed during the restarts");
    }

    private static string[] Shuffled(Random random)
    {
        string[] victims = [.. Victims];
        random.Shuffle(victims);
        return victims;
    }
}
