using Contracts.Jobs;
using EventRouter.Logs;
using static EventRouter.Tests.RouterUnderTest;

namespace EventRouter.Tests;

/// <summary>Duplicate, concurrent and crashed callers, and routers that lose answers.</summary>
public class AppendFaultTests
{
    private readonly FakeLogStore _store = new();
    private readonly Guid _job = Guid.NewGuid();

    [Fact]
    public async Task Three_replicas_append_concurrently_and_every_event_is_there_once()
    {
        RouterUnderTest[] routers = [.. Enumerable.Range(0, 3).Select(_ => new RouterUnderTest(_store, options =>
        {
            options.OpenBytes = 2000;
            options.MaxAttempts = 100;
        }))];
        await routers[0].CreateAsync(_job);

        // Every key is sent by two replicas, as after a caller's retry.
        var appends = Enumerable.Range(0, 300).SelectMany(i => new[] { i % 3, (i + 1) % 3 }.Select(async replica =>
        {
            await Task.Yield();
            return (Key: $"x#{i}.streaming", (await routers[replica].AppendAsync(_job, Input($"x#{i}.streaming", "x", "streaming"))).Seq);
        }));
        var answers = await Task.WhenAll(appends);

        var log = await routers[0].ReadAsync(_store, _job);
        Assert.Equal(Enumerable.Range(1, 301).Select(i => (long)i), log.Select(entry => entry.Seq));
        Assert.Equal(301, log.Select(entry => entry.Key).Distinct().Count());
        var byKey = log.ToDictionary(entry => entry.Key, entry => entry.Seq);
        Assert.All(answers, answer => Assert.Equal(byKey[answer.Key], answer.Seq));
    }

    [Fact]
    public async Task A_router_that_always_comes_second_gives_up_after_10_tries_and_its_caller_may_repeat()
    {
        var (winner, loser) = (new RouterUnderTest(_store), new RouterUnderTest(_store));
        await winner.CreateAsync(_job);
        await loser.AppendAsync(_job, Input("a.started", "a", "started"));
        var won = 0;
        var winning = false;
        _store.BeforeWrite = async _ =>
        {
            if (!winning)
            {
                winning = true;
                won++;
                await winner.AppendAsync(_job, Input($"w#{won}.streaming", "w", "streaming"));
                winning = false;
            }
        };

        Assert.Equal(AppendRefusal.Unavailable, (await loser.AppendAsync(_job, Input("b.started", "b", "started"))).Refusal);
        Assert.Equal(10, won);
        _store.BeforeWrite = _ => Task.CompletedTask;
        Assert.Equal(new AppendOutcome(AppendRefusal.None, 13, false), await loser.AppendAsync(_job, Input("b.started", "b", "started")));

        var log = await winner.ReadAsync(_store, _job);
        Assert.Equal(Enumerable.Range(1, 13).Select(n => (long)n), log.Select(entry => entry.Seq));
        Assert.Single(log, entry => entry.Key == "b.started");
    }

    [Fact]
    public async Task Write_whose_answer_was_lost_is_not_repeated()
    {
        var router = new RouterUnderTest(_store);
        await router.CreateAsync(_job);
        var lose = true;
        _store.AfterWrite = _ =>
        {
            if (lose)
            {
                lose = false;
                throw new HttpRequestException("connection reset");
            }
        };

        Assert.Equal(new AppendOutcome(AppendRefusal.None, 2, false), await router.AppendAsync(_job, Input("vision.started", "vision", "started")));
        Assert.Equal(2, (await router.ReadAsync(_store, _job)).Count);
        Assert.Contains(router.Published, entry => entry.Key == "vision.started");
    }

    [Fact]
    public async Task Create_whose_answer_was_lost_is_settled_by_reading_again()
    {
        var router = new RouterUnderTest(_store);
        var lose = 2;
        _store.AfterWrite = _ =>
        {
            if (lose-- > 0)
            {
                throw new HttpRequestException("connection reset");
            }
        };

        var created = await router.CreateAsync(_job, bodyHash: "a");
        Assert.Equal((AppendRefusal.None, 1L), (created.Refusal, created.Seq));
        Assert.Single(await router.ReadAsync(_store, _job));
        Assert.Single(await router.OpenJobs.ReadAllAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Two_replicas_create_the_same_job_once()
    {
        RouterUnderTest[] routers = [new(_store), new(_store)];
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            await Task.Yield();
            return await routers[i % 2].CreateAsync(_job, bodyHash: "a");
        }));

        Assert.All(answers, answer => Assert.Equal((AppendRefusal.None, 1L), (answer.Refusal, answer.Seq)));
        Assert.Single(await routers[0].ReadAsync(_store, _job));
        Assert.Single(await routers[0].OpenJobs.ReadAllAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Router_that_dies_between_chunk_and_head_loses_nothing()
    {
        var dying = new RouterUnderTest(_store, options => (options.OpenBytes, options.MaxAttempts) = (500, 1));
        await dying.CreateAsync(_job);
        await dying.AppendAsync(_job, Input("a.started", "a", "started"));
        _store.BeforeWrite = key => key == JobLogKeys.Head(_job) ? throw new IOException("killed") : Task.CompletedTask;
        Assert.Equal(AppendRefusal.Unavailable, (await dying.AppendAsync(_job, Input("b.started", "b", "started"))).Refusal);
        Assert.NotNull(_store.Peek<JobChunk>(JobLogKeys.Chunk(_job, 2)));

        // Another replica appends less, then seals at another place; the dead one's chunk is in nobody's way.
        _store.BeforeWrite = _ => Task.CompletedTask;
        var other = new RouterUnderTest(_store, options => options.OpenBytes = 700);
        foreach (var stage in new[] { "c", "d", "e", "f" })
        {
            await other.AppendAsync(_job, Input($"{stage}.started", stage, "started"));
        }

        Assert.Equal(
            ["queued.started", "a.started", "c.started", "d.started", "e.started", "f.started"],
            (await other.ReadAsync(_store, _job)).Select(entry => entry.Key));
    }

    [Fact]
    public async Task Chunk_written_late_by_a_stale_replica_takes_nothing_away()
    {
        var router = new RouterUnderTest(_store, options => options.OpenBytes = 500);
        await router.CreateAsync(_job);
        await router.AppendAsync(_job, Input("a.started", "a", "started"));
        var late = _store.Peek<JobHead>(JobLogKeys.Head(_job))!;
        foreach (var stage in new[] { "b", "c", "d" })
        {
            await router.AppendAsync(_job, Input($"{stage}.started", stage, "started"));
        }

        // What a paused replica would still write from the head it had seen.
        await _store.WriteAsync(JobLogKeys.Chunk(_job, 2), new JobChunk(late.Open), TimeSpan.FromHours(1), CancellationToken.None);
        Assert.Equal([1, 2, 3, 4, 5], (await router.ReadAsync(_store, _job)).Select(entry => entry.Seq));
    }

    [Fact]
    public async Task Caller_that_leaves_does_not_stop_the_append()
    {
        var router = new RouterUnderTest(_store);
        await router.CreateAsync(_job);
        var reached = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        _store.BeforeWrite = async _ =>
        {
            reached.TrySetResult();
            await goOn.Task;
        };
        using var leaving = new CancellationTokenSource();
        var first = router.Appender.AppendAsync(_job, new AppendJobEvents([Input("a.started", "a", "started")]), leaving.Token);
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(60));
        var second = router.AppendAsync(_job, Input("b.started", "b", "started"));
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        goOn.SetResult();

        Assert.Equal(3, (await second).Seq);
        Assert.Equal(["queued.started", "a.started", "b.started"], (await router.ReadAsync(_store, _job)).Select(entry => entry.Key));
    }

    [Fact]
    public async Task Appends_that_wait_together_are_one_write()
    {
        var router = new RouterUnderTest(_store);
        await router.CreateAsync(_job);
        var reached = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        _store.BeforeWrite = async _ =>
        {
            reached.TrySetResult();
            await goOn.Task;
        };
        var first = router.AppendAsync(_job, Input("a.started", "a", "started"));
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(60));
        var rest = Enumerable.Range(0, 20).Select(i => router.AppendAsync(_job, Input($"b#{i}.started", "b", "started"))).ToArray();
        var writes = _store.Writes;
        goOn.SetResult();
        await Task.WhenAll([first, .. rest]);

        Assert.Equal(2, _store.Writes - writes);
        Assert.Equal(Enumerable.Range(3, 20).Select(i => (long)i), rest.Select(task => task.Result.Seq));
    }

    [Fact]
    public async Task Store_that_stays_away_is_told_and_nothing_is_half_written()
    {
        var router = new RouterUnderTest(_store, options => options.MaxAttempts = 3);
        await router.CreateAsync(_job);
        _store.BeforeWrite = _ => throw new HttpRequestException("connection refused");
        Assert.Equal(AppendRefusal.Unavailable, (await router.AppendAsync(_job, Input("a.started", "a", "started"))).Refusal);
        _store.BeforeWrite = _ => Task.CompletedTask;
        Assert.Equal(2, (await router.AppendAsync(_job, Input("a.started", "a", "started"))).Seq);
    }

    [Fact]
    public async Task Expired_log_is_not_answered_from_memory()
    {
        var router = new RouterUnderTest(_store);
        await router.CreateAsync(_job, bodyHash: "a");
        await router.AppendAsync(_job, Input("done.completed", "done", "completed"));
        foreach (var key in _store.Keys)
        {
            _store.Remove(key);
        }

        router.Time.Now += TimeSpan.FromHours(25);
        Assert.Equal(new AppendOutcome(AppendRefusal.None, 1, true), await router.CreateAsync(_job, bodyHash: "b"));
    }
}
