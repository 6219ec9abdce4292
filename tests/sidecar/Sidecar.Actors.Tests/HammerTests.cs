using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;

namespace Sidecar.Actors.Tests;

/// <summary>Many callers on a few actors: one turn at a time, and no turn that was answered is lost, whatever goes wrong meanwhile.</summary>
public sealed class HammerTests
{
    private const int Callers = 12;
    private const int CallsEach = 40;
    private const int Actors = 3;

    private readonly ConcurrentDictionary<string, int> _inside = new();
    private readonly ConcurrentQueue<string> _overlaps = [];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Turns_never_overlap_and_count_exactly_although_callers_give_up(int seed)
    {
        await using var run = new ActorRun().Store();
        await CounterAsync(run, 0);
        await CounterAsync(run, 1);
        await run.StartAsync();
        var client = run.Client();
        var (answered, abandoned) = (new int[Actors], new int[Actors]);

        await Task.WhenAll(Enumerable.Range(0, Callers).Select(async caller =>
        {
            var random = new Random(seed + (1000 * caller));
            for (var call = 0; call < CallsEach; call++)
            {
                var id = random.Next(Actors);
                using var patience = new CancellationTokenSource();
                if (random.Next(4) == 0)
                {
                    patience.CancelAfter(random.Next(5));
                }

                try
                {
                    using var response = await client.CallAsync($"Counter/{id}/method/add", cancellationToken: patience.Token);
                    Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                    Interlocked.Increment(ref answered[id]);
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref abandoned[id]);
                }
            }
        })).WaitAsync(ActorRun.Patience);

        for (var id = 0; id < Actors; id++)
        {
            Assert.InRange(await CountAsync(client, id), answered[id], answered[id] + abandoned[id]);
        }

        Assert.Empty(_overlaps);
    }

    [Fact]
    public async Task A_turn_that_was_answered_counts_although_instances_die_and_come_back()
    {
        await using var run = new ActorRun().Store().Caller("client");
        ActorApp[] apps = [await CounterAsync(run, 0), await CounterAsync(run, 1)];
        await run.StartAsync();
        var client = run.Client();
        var (answered, failed) = (new int[Actors], new int[Actors]);
        using var ending = new CancellationTokenSource();

        var callers = Task.WhenAll(Enumerable.Range(0, Callers).Select(async caller =>
        {
            var random = new Random(caller);
            while (!ending.IsCancellationRequested)
            {
                var id = random.Next(Actors);
                using var response = await client.CallAsync($"Counter/{id}/method/add");
                Interlocked.Increment(ref (response.StatusCode == HttpStatusCode.OK ? answered : failed)[id]);
            }
        }));
        for (var round = 0; round < 4; round++)
        {
            var app = apps[round % 2];
            var goal = answered.Sum() + 30;
            await ActorRun.Eventually(() => answered.Sum() >= goal);
            await app.KillAsync();
            await run.DownAsync(app);
            goal = answered.Sum() + 30;
            await ActorRun.Eventually(() => answered.Sum() >= goal);
            await app.StartAsync();
            await run.UpAsync(app);
        }

        await ending.CancelAsync();
        await callers.WaitAsync(ActorRun.Patience);

        for (var id = 0; id < Actors; id++)
        {
            Assert.InRange(await CountAsync(client, id), answered[id], answered[id] + failed[id]);
        }
    }

    private static async Task<int> CountAsync(HttpClient client, int id)
    {
        using var response = await client.CallAsync($"Counter/{id}/method/read");
        return int.Parse(await response.TextAsync(), CultureInfo.InvariantCulture);
    }

    /// <summary>An instance whose method reads a number from the actor's state and writes the next one.</summary>
    private async Task<ActorApp> CounterAsync(ActorRun run, int index)
    {
        HttpClient? own = null;
        ActorApp app = null!;
        return app = await run.AppAsync("host", """{"entities":["Counter"]}""", async call =>
        {
            own ??= run.Client(run.Sidecar.Apps.ToList().IndexOf(run.Instance(app)));
            if (_inside.AddOrUpdate(call.Id, 1, (_, inside) => inside + 1) != 1)
            {
                _overlaps.Enqueue(call.Id);
            }

            try
            {
                var path = $"/v1.0/actors/Counter/{call.Id}/state/n";
                using var read = await own.GetAsync(path);
                var text = read.StatusCode == HttpStatusCode.NoContent ? "0" : await read.TextAsync();
                if (!read.IsSuccessStatusCode)
                {
                    return Results.Text(text, statusCode: 500);
                }

                if (call.Method == "read")
                {
                    return Results.Text(text);
                }

                var next = int.Parse(text, CultureInfo.InvariantCulture) + 1;
                using var written = await own.SaveAsync($"Counter/{call.Id}", $$$"""[{"operation":"upsert","request":{"key":"n","value":{{{next}}}}}]""");
                return written.IsSuccessStatusCode ? Results.Ok() : Results.StatusCode(500);
            }
            finally
            {
                _inside.AddOrUpdate(call.Id, 0, (_, inside) => inside - 1);
            }
        }, index);
    }
}
