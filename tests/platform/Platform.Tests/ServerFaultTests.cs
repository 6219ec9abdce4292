using FakeModelServer;
using ScanClient;

namespace Platform.Tests;

/// <summary>
/// The servers of a component set die, freeze and lose their connections in the middle of at least 200 scans, and apps freeze for longer than a
/// message may take. What clients saw and what was booked is checked as a history.
/// </summary>
[Trait("Category", "Fault")]
public sealed class ServerFaultTests
{
    private const int Users = 40;
    private const int ScansEach = 5;
    private const int Cuts = 5;

    /// <summary>Of <c>pubsub</c> in the tests of frozen apps.</summary>
    private static readonly TimeSpan ProcessingTimeout = TimeSpan.FromSeconds(2);

    private static readonly FakeModelOptions Slow = new() { VisionLatency = TimeSpan.FromSeconds(1), AnswerLatency = TimeSpan.FromSeconds(1) };

    private delegate Task Fault(Random random, CancellationToken cancellationToken);

    [Theory]
    [InlineData("redis", "redis")]
    [InlineData("rabbitmq", "rabbitmq")]
    [InlineData("rabbitmq", "postgresql")]
    [InlineData("rabbitmq", "redis")]
    public async Task A_server_that_dies_freezes_or_drops_its_connections_loses_and_repeats_nothing(string set, string victim)
    {
        await using var servers = await ServerSet.StartAsync(set);
        await using var run = await PlatformRun.StartAsync(Slow, servers.Settings, ["--replicas", "event-router=2", "--replicas", "sse=2", .. servers.Arguments]);
        var server = servers[victim];

        async Task Kill(Random random, CancellationToken cancellationToken)
        {
            await server.KillAsync();
            await Task.Delay(random.Next(200, 2000), cancellationToken);
            await server.StartAsync(cancellationToken);
        }

        async Task Freeze(Random random, CancellationToken cancellationToken)
        {
            await server.PauseAsync();
            await Task.Delay(random.Next(1000, 5000), cancellationToken);
            server.Resume();
        }

        async Task Cut(Random random, CancellationToken cancellationToken)
        {
            for (var cut = 0; cut < Cuts; cut++)
            {
                await Connections.CutAsync(server, cancellationToken);
                await Task.Delay(random.Next(50, 500), cancellationToken);
            }
        }

        await ScanAsync(run, Kill, Freeze, Cut, Kill, Freeze, Cut, Kill, Freeze, Cut);
    }

    [Theory]
    [InlineData("local")]
    [InlineData("redis")]
    [InlineData("rabbitmq")]
    public async Task Consumers_that_freeze_for_longer_than_a_message_may_take_lose_and_repeat_nothing(string set)
    {
        await using var servers = await ServerSet.StartAsync(set, (file, text) => file != "pubsub.yaml" ? text : Impatient(text));
        await using var run = await PlatformRun.StartAsync(Slow, servers.Settings, servers.Arguments);

        Fault Freeze(string app) => async (_, cancellationToken) =>
        {
            await run.SignalAsync(app, "STOP");
            await Task.Delay(ProcessingTimeout * 2, cancellationToken);
            await run.SignalAsync(app, "CONT");
        };

        await ScanAsync(run, Freeze("users#0"), Freeze("characters#0"), Freeze("scan-worker#0"));
    }

    /// <summary>
    /// Everybody scans, at least five times and until the last fault is over; each fault comes while half of the users wait for a scan, at moments
    /// that the seed decides. Then the history is checked.
    /// </summary>
    private static async Task ScanAsync(PlatformRun run, params Fault[] faults)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("FAULT_SEED"), out var given) ? given : 20261121;
        Console.WriteLine($"FAULT_SEED={seed}");
        var random = new Random(seed);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var users = await Task.WhenAll(Enumerable.Range(0, Users).Select(_ => Patience.RepeatAsync(() => run.UserAsync(limit.Token), limit.Token)));
        var images = await Task.WhenAll(users.Select(user => Patience.RepeatAsync(() => user.UploadAsync(PlatformRun.Picture, "image/png", limit.Token), limit.Token)));
        var history = new ScanHistory();
        var streams = new List<JobStream>();
        var open = 0;
        var done = 0;

        var disturbing = Task.Run(async () =>
        {
            foreach (var (number, fault) in faults.Index())
            {
                var due = Volatile.Read(ref done) + random.Next(Users / 2);
                while (Volatile.Read(ref done) < due || Volatile.Read(ref open) < Users / 2)
                {
                    await Task.Delay(10, limit.Token);
                }

                Console.WriteLine($"fault {number + 1} of {faults.Length} after {Volatile.Read(ref done)} scans, with {Volatile.Read(ref open)} open");
                await fault(random, limit.Token);
                await run.WaitReadyAsync(TimeSpan.FromMinutes(1));
            }
        });
        await Task.WhenAll(users.Zip(images).Select(async pair =>
        {
            for (var scan = 0; scan < ScansEach || !disturbing.IsCompleted; scan++)
            {
                var key = Guid.NewGuid().ToString();
                var job = await Patience.RepeatAsync(() => pair.First.SubmitAsync(pair.Second, key, limit.Token), limit.Token);
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
        Assert.True(done >= Users * ScansEach);
        Assert.All(streams, stream => Assert.Empty(stream.Violations));
        Assert.Empty(history.Check(await Bookings.ReadAsync(run, history, users.Select(user => user.UserId), limit.Token)));
    }

    private static string Impatient(string component)
    {
        const string Metadata = "  metadata:\n";
        var at = component.IndexOf(Metadata, component.IndexOf("spec:", StringComparison.Ordinal), StringComparison.Ordinal) + Metadata.Length;
        return component.Insert(at, $"    - {{name: processingTimeout, value: \"{ProcessingTimeout.TotalSeconds}s\"}}\n    - {{name: redeliverInterval, value: \"1s\"}}\n");
    }
}
