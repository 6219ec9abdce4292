using System.Net;
using FakeModelServer;
using ScanClient;

namespace Platform.Tests;

/// <summary>Processes die under load, with two replicas of event-router and sse. What must hold is checked for every single scan.</summary>
[Trait("Category", "Fault")]
public sealed class FaultTests
{
    private const int Users = 50;
    private static readonly string[] Victims = ["scan-worker#0", "sidecar", "event-router#0", "sse#0", "scan#0", "event-router#1", "sse#1"];
    private static readonly FakeModelOptions Slow = new() { VisionLatency = TimeSpan.FromMilliseconds(300), AnswerLatency = TimeSpan.FromMilliseconds(300) };

    [Fact]
    public async Task Killing_any_process_loses_nothing_and_repeats_nothing()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("FAULT_SEED"), out var given) ? given : 20261121;
        Console.WriteLine($"FAULT_SEED={seed}");
        var random = new Random(seed);
        await using var run = await PlatformRun.StartAsync(Slow, "--replicas", "event-router=2", "--replicas", "sse=2");
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var users = await Task.WhenAll(Enumerable.Range(0, Users).Select(_ => Repeat(() => run.UserAsync(limit.Token), limit.Token)));
        var images = await Task.WhenAll(users.Select(user => Repeat(() => user.UploadAsync(PlatformRun.Picture, "image/png", limit.Token), limit.Token)));

        // Every victim once, in an order and at moments that the seed decides.
        var victims = Victims.ToArray();
        random.Shuffle(victims);
        var killing = Task.Run(async () =>
        {
            foreach (var victim in victims)
            {
                await Task.Delay(random.Next(200, 1500), limit.Token);
                Console.WriteLine($"kill -9 {victim}: {run.Kill(victim)}");
            }
        });
        var streams = await Task.WhenAll(users.Zip(images).Select(async pair =>
        {
            var job = await Repeat(() => pair.First.SubmitAsync(pair.Second, "the only one", limit.Token), limit.Token);
            var stream = new JobStream(pair.First);
            await stream.ReadToEndAsync(job, limit.Token);
            return stream;
        }));
        await killing;
        await run.WaitReadyAsync(TimeSpan.FromSeconds(60));

        Assert.All(streams, stream => Assert.Equal("completed", stream.Terminal));
        Assert.All(streams, stream => Assert.Empty(stream.Violations));
        Assert.All(streams, stream => Assert.Equal(stream.Events.Count, stream.Events.Select(seen => seen.Data.GetProperty("key").GetString()).Distinct().Count()));

        // One call per stage of a job, and one more for each that was in flight, unstored, when a worker or the sidecar died.
        var stats = run.Model.Stats;
        Console.WriteLine($"model calls: {stats.Vision} vision, {stats.Answer} answer, at most {stats.MaxConcurrent} at a time; {streams.Sum(stream => stream.Reconnects)} reconnects");
        Assert.InRange(stats.Vision, Users, Users + (2 * stats.MaxConcurrent));
        Assert.InRange(stats.Answer, Users, Users + (2 * stats.MaxConcurrent));

        foreach (var user in users)
        {
            await EventuallyRewardedAsync(user, limit.Token);
        }
    }

    [Fact]
    public async Task A_rolling_restart_under_load_shows_no_client_an_error()
    {
        await using var run = await PlatformRun.StartAsync(Slow, "--replicas", "event-router=2", "--replicas", "sse=2");
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(6));
        using var stop = new CancellationTokenSource();
        var completed = 0;

        async Task LoopAsync()
        {
            var user = await run.UserAsync(limit.Token);
            var image = await user.UploadAsync(PlatformRun.Picture, "image/png", limit.Token);
            do
            {
                // No repetition here: whatever a call throws is a client's error and fails the test.
                var stream = new JobStream(user);
                await stream.ReadToEndAsync(await user.SubmitAsync(image, Guid.NewGuid().ToString(), limit.Token), limit.Token);
                Assert.Empty(stream.Violations);
                Assert.Equal("completed", stream.Terminal);
                Interlocked.Increment(ref completed);
            }
            while (!stop.IsCancellationRequested);
        }

        var clients = Enumerable.Range(0, Users).Select(_ => LoopAsync()).ToArray();
        foreach (var app in (string[])["characters#0", "users#0", "images#0", "scan-worker#0", "scan#0", "event-router#0", "event-router#1", "sse#0", "sse#1"])
        {
            await run.RestartAsync(app);
        }

        await stop.CancelAsync();
        await Task.WhenAll(clients);
        Console.WriteLine($"{completed} scans completed during the restarts");
        Assert.True(completed >= Users);
    }

    /// <summary>The reward arrives after the scan has ended; then it stays as it is: points once, the character once.</summary>
    private static async Task EventuallyRewardedAsync(ScanUser user, CancellationToken cancellationToken)
    {
        while (true)
        {
            var points = await Repeat(() => user.GetAsync("/api/v1/users/me/points", cancellationToken), cancellationToken);
            if (points.GetProperty("entries").GetArrayLength() > 0)
            {
                Assert.Equal(10, points.GetProperty("points").GetInt32());
                Assert.Single(points.GetProperty("entries").EnumerateArray());
                Assert.Single((await user.GetAsync("/api/v1/users/me/characters", cancellationToken)).EnumerateArray());
                return;
            }

            await Task.Delay(50, cancellationToken);
        }
    }

    private static async Task<T> Repeat<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or ApiProblemException { Status: >= HttpStatusCode.InternalServerError })
            {
                await Task.Delay(200, cancellationToken);
            }
        }
    }
}
