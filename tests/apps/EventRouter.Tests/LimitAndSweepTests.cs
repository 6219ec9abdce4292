using Contracts.Jobs;
using EventRouter.Logs;
using static EventRouter.Tests.RouterUnderTest;

namespace EventRouter.Tests;

public class LimitAndSweepTests
{
    private readonly FakeLogStore _store = new();

    [Fact]
    public async Task Owner_has_at_most_so_many_open_jobs_also_across_replicas()
    {
        RouterUnderTest[] routers = [.. Enumerable.Range(0, 2).Select(_ => new RouterUnderTest(_store, options => options.MaxAttempts = 100))];
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            await Task.Yield();
            return await routers[i % 2].CreateAsync(Guid.NewGuid(), maxPerOwner: 5);
        }));
        Assert.Equal(5, answers.Count(answer => answer.Refusal == AppendRefusal.None));
        Assert.Equal(15, answers.Count(answer => answer.Refusal == AppendRefusal.TooManyOpen));
        Assert.Equal(AppendRefusal.None, (await routers[0].CreateAsync(Guid.NewGuid(), owner: "u2")).Refusal);
    }

    [Fact]
    public async Task Total_of_open_jobs_is_limited_over_all_shards()
    {
        var router = new RouterUnderTest(_store);
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(AppendRefusal.None, (await router.CreateAsync(Guid.NewGuid(), owner: $"u{i}", max: 10)).Refusal);
        }

        Assert.Equal(AppendRefusal.SystemBusy, (await router.CreateAsync(Guid.NewGuid(), owner: "u11", max: 10)).Refusal);
        Assert.Equal(AppendRefusal.SystemBusy, (await new RouterUnderTest(_store).CreateAsync(Guid.NewGuid(), owner: "u12", max: 10)).Refusal);
    }

    [Fact]
    public async Task Ended_job_makes_room_and_an_existing_one_needs_none()
    {
        var router = new RouterUnderTest(_store);
        var first = Guid.NewGuid();
        await router.CreateAsync(first, maxPerOwner: 1);
        Assert.Equal(AppendRefusal.None, (await router.CreateAsync(first, maxPerOwner: 1)).Refusal);
        Assert.Equal(AppendRefusal.TooManyOpen, (await router.CreateAsync(Guid.NewGuid(), maxPerOwner: 1)).Refusal);
        await router.AppendAsync(first, Input("done.completed", "done", "completed"));
        Assert.Equal(AppendRefusal.None, (await router.CreateAsync(Guid.NewGuid(), maxPerOwner: 1)).Refusal);
    }

    [Fact]
    public async Task Index_outlives_the_deadlines_in_it_however_short_logs_are_kept()
    {
        var router = new RouterUnderTest(_store, options => options.Retention = TimeSpan.FromMinutes(1));
        await router.CreateAsync(Guid.NewGuid(), deadline: TimeSpan.FromMinutes(30));
        await router.CreateAsync(Guid.NewGuid(), deadline: TimeSpan.FromMinutes(5));

        Assert.All(
            _store.Ttls.Where(ttl => ttl.Key.StartsWith("open:", StringComparison.Ordinal)),
            ttl => Assert.True(ttl.Value > TimeSpan.FromMinutes(30), $"{ttl.Key} is kept for {ttl.Value}"));
    }

    [Fact]
    public async Task Due_job_ends_as_failed_with_deadline_exceeded_once()
    {
        var router = new RouterUnderTest(_store);
        var (due, open) = (Guid.NewGuid(), Guid.NewGuid());
        await router.CreateAsync(due, deadline: TimeSpan.FromSeconds(30));
        await router.CreateAsync(open, deadline: TimeSpan.FromMinutes(5));
        router.Time.Now += TimeSpan.FromSeconds(31);
        var other = new RouterUnderTest(_store, time: router.Time);
        var listed = await router.OpenJobs.ReadAllAsync(CancellationToken.None);
        await Task.WhenAll(router.Sweep.RunAsync(listed, CancellationToken.None), other.Sweep.RunAsync(listed, CancellationToken.None));

        var entries = await router.ReadAsync(_store, due);
        Assert.Equal(2, entries.Count);
        Assert.Equal(("done", "failed", 50), (entries[1].Stage, entries[1].Status, entries[1].StageSeq));
        Assert.Equal(JobWords.DeadlineExceeded, entries[1].Result!.Value.GetProperty("code").GetString());
        Assert.Equal(AppendRefusal.Closed, (await router.AppendAsync(due, Input("done.completed", "done", "completed"))).Refusal);
        Assert.Equal(open, Assert.Single(await router.OpenJobs.ReadAllAsync(CancellationToken.None)).JobId);
        Assert.Null(_store.Peek<JobHead>(JobLogKeys.Head(open))!.Terminal);
    }

    [Fact]
    public async Task Sweep_removes_what_a_crash_left_in_the_index_but_not_what_is_young()
    {
        var router = new RouterUnderTest(_store, options => options.MaxAttempts = 1);
        var (ended, missing, young) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        await router.CreateAsync(ended, owner: "u1");
        _store.BeforeWrite = key => key.StartsWith("open:", StringComparison.Ordinal) ? throw new IOException("killed") : Task.CompletedTask;
        await router.AppendAsync(ended, Input("done.completed", "done", "completed"));
        _store.BeforeWrite = key => key == JobLogKeys.Head(missing) ? throw new IOException("killed") : Task.CompletedTask;
        Assert.Equal(AppendRefusal.Unavailable, (await router.CreateAsync(missing, owner: "u2")).Refusal);
        _store.BeforeWrite = _ => Task.CompletedTask;

        router.Time.Now += TimeSpan.FromSeconds(61);
        _store.BeforeWrite = key => key == JobLogKeys.Head(young) ? throw new IOException("killed") : Task.CompletedTask;
        await router.CreateAsync(young, owner: "u3");
        _store.BeforeWrite = _ => Task.CompletedTask;

        var listed = await router.OpenJobs.ReadAllAsync(CancellationToken.None);
        Assert.Equal(3, listed.Count);
        await router.Sweep.RunAsync(listed, CancellationToken.None);
        Assert.Equal(young, Assert.Single(await router.OpenJobs.ReadAllAsync(CancellationToken.None)).JobId);
        Assert.Equal(2, (await router.ReadAsync(_store, ended)).Count);
    }

    [Fact]
    public void Queues_of_jobs_are_bounded()
    {
        var queues = new JobQueues(capacity: 3);
        var first = Guid.NewGuid();
        var kept = queues.Get(first);
        for (var i = 0; i < 10; i++)
        {
            queues.Get(Guid.NewGuid());
            Assert.Same(kept, queues.Get(first));
        }

        Assert.Equal(3, queues.Count);
    }

    [Theory]
    [InlineData("scan", "queued", "started", 0)]
    [InlineData("scan", "vision", "started", 10)]
    [InlineData("scan", "reward", "completed", 41)]
    [InlineData("scan", "done", "completed", 51)]
    [InlineData("scan", "weather", "completed", 991)]
    [InlineData("chat", "done", "failed", 180)]
    [InlineData("chat", "needs_input", "waiting", 190)]
    [InlineData("chat", "other", "started", 990)]
    public void Stage_numbers_are_the_original_clients(string app, string stage, string status, int number) =>
        Assert.Equal(number, JobStages.Number(app, stage, status));

    [Theory]
    [InlineData("error.started", "error", "started")]
    [InlineData("keepalive.started", "keepalive", "started")]
    [InlineData("done.started", "done", "started")]
    [InlineData("", "vision", "started")]
    [InlineData("a.b", "two words", "started")]
    [InlineData("a.b", "vision\n", "started")]
    public void Refuses_events_that_would_break_a_stream(string key, string stage, string status) =>
        Assert.NotNull(AppendCommandRules.Check(new AppendJobEvents([Input(key, stage, status)])));
}
