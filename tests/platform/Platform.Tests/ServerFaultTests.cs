using System.Net;
using FakeModelServer;
using LocalServers;
using ScanClient;

namespace Platform.Tests;

/// <summary>
/// The servers of a component set die, freeze and lose their connections in the middle of 200 scans, and apps freeze for longer than a message may
/// take. What clients saw and what was booked is checked as a history.
/// </summary>
[Trait("Category", "Fault")]
public sealed class ServerFaultTests
{
    private const int Users = 40;
    private const int ScansEach = 5;
    private const int Faults = 3;
    private const int CutsPerFault = 5;

    /// <summary>Of <c>pubsub</c> in the tests of frozen apps.</summary>
    private static readonly TimeSpan ProcessingTimeout = TimeSpan.FromSeconds(2);

    private static readonly FakeModelOptions Slow = new() { VisionLatency = TimeSpan.FromSeconds(1), AnswerLatency = TimeSpan.FromSeconds(1) };

    [Theory]
    [InlineData("redis", "redis")]
    [InlineData("rabbitmq", "rabbitmq")]
    [InlineData("rabbitmq", "postgresql")]
    [InlineData("rabbitmq", "redis")]
    public async Task A_server_that_is_killed_and_comes_back_loses_and_repeats_nothing(string set, string victim)
    {
        await using var servers = await ServerSet.StartAsync(set);
        await using var run = await PlatformRun.StartAsync(Slow, servers.Settings, ["--replicas", "event-router=2", "--replicas", "sse=2", .. servers.Arguments]);

        await ScanAsync(run, async (random, cancellationToken) =>
        {
            await servers[victim].KillAsync();
            await Task.Delay(random.Next(200, 2000), cancellationToken);
            await servers[victim].StartAsync(cancellationToken);
        });
    }

    [Theory]
    [InlineData("redis", "redis")]
    [InlineData("rabbitmq", "rabbitmq")]
    [InlineData("rabbitmq", "postgresql")]
    public async Task A_server_that_answers_nothing_for_a_while_loses_and_repeats_nothing(string set, string victim)
    {
        await using var servers = await ServerSet.StartAsync(set);
        await using var run = await PlatformRun.StartAsync(Slow, servers.Settings, servers.Arguments);

        await ScanAsync(run, async (random, cancellationToken) =>
        {
            servers[victim].Pause();
            await Task.Delay(random.Next(1000, 5000), cancellationToken);
            servers[victim].Resume();
        });
    }

    [Theory]
    [InlineData("redis", "redis")]
    [InlineData("rabbitmq", "rabbitmq")]
    [InlineData("rabbitmq", "postgresql")]
    public async Task Connections_that_are_cut_lose_and_repeat_nothing(string set, string victim)
    {
        await using var servers = await ServerSet.StartAsync(set);
        await using var run = await PlatformRun.StartAsync(Slow, servers.Settings, servers.Arguments);

        await ScanAsync(run, async (random, cancellationToken) =>
        {
            for (var cut = 0; cut < CutsPerFault; cut++)
            {
                await Connections.CutAsync(servers[victim], cancellationToken);
                await Task.Delay(random.Next(50, 500), cancellationToken);
            }
        });
    }

    [Theory]
    [InlineData("local")]
    [InlineData("redis")]
    [InlineData("rabbitmq")]
    public async Task Consumers_that_freeze_for_longer_than_a_message_may_take_lose_and_repeat_nothing(string set)
    {
        var frozen = new Queue<string>(["users#0", "characters#0", "scan-worker#0"]);
        await using var servers = await ServerSet.StartAsync(set, (file, text) => file != "pubsub.yaml" ? text : Impatient(text));
        await using var run = await PlatformRun.StartAsync(Slow, servers.Settings, servers.Arguments);

        await ScanAsync(run, async (_, cancellationToken) =>
        {
            var app = frozen.Dequeue();
            await run.SignalAsync(app, "STOP");
            await Task.Delay(ProcessingTimeout * 2, cancellationToken);
            await run.SignalAsync(app, "CONT");
        });
    }

    /// <summary>200 scans with a fault at moments that the seed decides, each while half of the users wait for a scan; then the history is checked.</summary>
    private static async Task ScanAsync(PlatformRun run, Func<Random, CancellationToken, Task> faultAsync)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("FAULT_SEED"), out var given) ? given : 20261121;
        Console.WriteLine($"FAULT_SEED={seed}");
        var random = new Random(seed);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var users = await Task.WhenAll(Enumerable.Range(0, Users).Select(_ => Repeat(() => run.UserAsync(limit.Token), limit.Token)));
        var images = await Task.WhenAll(users.Select(user => Repeat(() => user.UploadAsync(PlatformRun.Picture, "image/png", limit.Token), limit.Token)));
        var history = new ScanHistory();
        var streams = new List<JobStream>();
        var open = 0;
        var done = 0;

        var disturbing = Task.Run(async () =>
        {
            for (var fault = 1; fault <= Faults; fault++)
            {
                // In the first, the second and the third quarter of the scans.
                while (Volatile.Read(ref done) < (fault - 1) * Users * ScansEach / (Faults + 1) || Volatile.Read(ref open) < Users / 2)
                {
                    await Task.Delay(10, limit.Token);
                }

                Console.WriteLine($"fault {fault} after {Volatile.Read(ref done)} scans, with {Volatile.Read(ref open)} open");
                await faultAsync(random, limit.Token);
                await run.WaitReadyAsync(TimeSpan.FromMinutes(1));
            }
        });
        await Task.WhenAll(users.Zip(images).Select(async pair =>
        {
            for (var scan = 0; scan < ScansEach; scan++)
            {
                var key = Guid.NewGuid().ToString();
                var job = await Repeat(() => pair.First.SubmitAsync(pair.Second, key, limit.Token), limit.Token);
                history.Accept(pair.First.UserId, job);
                Interlocked.Increment(ref open);
                var stream = new JobStream(pair.First);
                await stream.ReadToEndAsync(job, limit.Token);
                Interlocked.Decrement(ref open);
                Interlocked.Increment(ref done);
                history.Follow(job, stream.Events);
                lock (streams)
                {
                    streams.Add(stream);
                }
            }
        }));
        await disturbing;

        Console.WriteLine($"{done} scans, {streams.Sum(stream => stream.Reconnects)} reconnects");
        Assert.Equal(Users * ScansEach, done);
        Assert.All(streams, stream => Assert.Empty(stream.Violations));
        Assert.Empty(history.Check(await Bookings.ReadAsync(run, history, users.Select(user => user.UserId), limit.Token)));
    }

    private static string Impatient(string component)
    {
        const string Metadata = "  metadata:\n";
        var at = component.IndexOf(Metadata, component.IndexOf("spec:", StringComparison.Ordinal), StringComparison.Ordinal) + Metadata.Length;
        return component.Insert(at, $"    - {{name: processingTimeout, value: \"{ProcessingTimeout.TotalSeconds}s\"}}\n    - {{name: redeliverInterval, value: \"1s\"}}\n");
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
