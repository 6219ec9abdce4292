using Contracts.Jobs;
using EventRouter.Logs;
using static EventRouter.Tests.RouterUnderTest;

namespace EventRouter.Tests;

public class AppendTests
{
    private readonly FakeLogStore _store = new();
    private readonly Guid _job = Guid.NewGuid();

    [Fact]
    public async Task Numbers_events_without_gaps_and_publishes_them_in_order()
    {
        var router = new RouterUnderTest(_store);
        Assert.Equal(new AppendOutcome(AppendRefusal.None, 1, true), await router.CreateAsync(_job));
        Assert.Equal(2, (await router.AppendAsync(_job, Input("vision.started", "vision", "started"))).Seq);
        var two = await router.AppendAsync(
            _job, Input("vision.completed", "vision", "completed", 25), Input("rule.started", "rule", "started", 25));
        Assert.Equal(new AppendOutcome(AppendRefusal.None, 4, false), two);

        Assert.Equal([1, 2, 3, 4], (await router.ReadAsync(_store, _job)).Select(entry => entry.Seq));
        Assert.Equal([1, 2, 3, 4], router.Published.Select(entry => entry.Seq));
        Assert.Equal([0, 10, 11, 20], router.Published.Select(entry => entry.StageSeq));
    }

    [Fact]
    public async Task Known_key_changes_nothing_and_answers_and_publishes_the_stored_event()
    {
        var router = new RouterUnderTest(_store);
        await router.CreateAsync(_job);
        await router.AppendAsync(_job, Input("vision.started", "vision", "started", message: "first"));
        await router.AppendAsync(_job, Input("vision.completed", "vision", "completed"));
        var writes = _store.Writes;
        router.Published.Clear();

        var again = await router.AppendAsync(_job, Input("vision.started", "vision", "started", message: "second"));

        Assert.Equal(new AppendOutcome(AppendRefusal.None, 2, false), again);
        Assert.Equal(writes, _store.Writes);
        Assert.Equal("first", Assert.Single(router.Published).Message);
    }

    [Fact]
    public async Task Known_key_is_found_by_another_replica_and_in_a_sealed_chunk()
    {
        var router = new RouterUnderTest(_store, options => options.OpenBytes = 600);
        await router.CreateAsync(_job);
        for (var i = 0; i < 20; i++)
        {
            await router.AppendAsync(_job, Input($"answer_text#{i}.streaming", "answer_text", "streaming", message: new string('x', 60)));
        }

        Assert.NotEmpty(_store.Peek<JobHead>(JobLogKeys.Head(_job))!.Chunks);
        var other = new RouterUnderTest(_store);
        Assert.Equal(3, (await other.AppendAsync(_job, Input("answer_text#1.streaming", "answer_text", "streaming"))).Seq);
        Assert.Equal("answer_text#1.streaming", Assert.Single(other.Published).Key);
        Assert.Equal(Enumerable.Range(1, 21).Select(i => (long)i), (await other.ReadAsync(_store, _job)).Select(entry => entry.Seq));
        Assert.Equal([20, 21], (await other.ReadAsync(_store, _job, after: 19)).Select(entry => entry.Seq));
    }

    [Fact]
    public async Task Head_stays_small_and_every_chunk_is_there_before_the_head_names_it()
    {
        var router = new RouterUnderTest(_store, options => options.OpenBytes = 1000);
        await router.CreateAsync(_job);
        _store.BeforeWrite = key =>
        {
            if (key == JobLogKeys.Head(_job))
            {
                Assert.All(
                    _store.Peek<JobHead>(key)!.Chunks, last => Assert.Equal(last, _store.Peek<JobChunk>(JobLogKeys.Chunk(_job, last))!.Entries[^1].Seq));
            }

            return Task.CompletedTask;
        };
        for (var i = 0; i < 50; i++)
        {
            await router.AppendAsync(_job, Input($"x#{i}.streaming", "x", "streaming"));
            var head = _store.Peek<JobHead>(JobLogKeys.Head(_job))!;
            Assert.True(head.Open.Sum(AppendCommandRules.SizeOf) <= 1000);
            Assert.Equal(head.Seq, head.Open[^1].Seq);
            Assert.All(head.Chunks, last => Assert.NotNull(_store.Peek<JobChunk>(JobLogKeys.Chunk(_job, last))));
        }

        Assert.Equal(51, (await router.ReadAsync(_store, _job)).Count);
    }

    [Fact]
    public async Task Nothing_is_appended_after_the_end_but_known_keys_still_answer()
    {
        var router = new RouterUnderTest(_store);
        await router.CreateAsync(_job);
        await router.AppendAsync(_job, Input("done.completed", "done", "completed", 100));

        Assert.Equal(AppendRefusal.Closed, (await router.AppendAsync(_job, Input("done.failed", "done", "failed"))).Refusal);
        Assert.Equal(AppendRefusal.Closed, (await router.AppendAsync(_job, Input("vision.started", "vision", "started"))).Refusal);
        Assert.Equal(2, (await router.AppendAsync(_job, Input("done.completed", "done", "completed"))).Seq);
        Assert.Equal(1, (await new RouterUnderTest(_store).AppendAsync(_job, Input("queued.started", "queued", "started"))).Seq);
        Assert.Equal("completed", _store.Peek<JobHead>(JobLogKeys.Head(_job))!.Terminal);
        Assert.Equal(2, (await router.ReadAsync(_store, _job)).Count);
    }

    [Fact]
    public async Task Command_that_goes_on_after_its_own_end_leaves_no_trace()
    {
        var router = new RouterUnderTest(_store);
        await router.CreateAsync(_job);
        var refused = await router.AppendAsync(_job, Input("done.completed", "done", "completed"), Input("vision.started", "vision", "started"));
        Assert.Equal(AppendRefusal.Closed, refused.Refusal);
        Assert.Equal(2, (await router.AppendAsync(_job, Input("vision.started", "vision", "started"))).Seq);
        Assert.Null(_store.Peek<JobHead>(JobLogKeys.Head(_job))!.Terminal);
    }

    [Fact]
    public async Task Progress_never_goes_back()
    {
        var router = new RouterUnderTest(_store);
        await router.CreateAsync(_job);
        await router.AppendAsync(_job, Input("rule.completed", "rule", "completed", 50));
        await router.AppendAsync(_job, Input("vision#2.retrying", "vision", "retrying", 25));
        await router.AppendAsync(_job, Input("done.failed", "done", "failed", 0));
        Assert.Equal([0, 50, 50, 50], (await router.ReadAsync(_store, _job)).Select(entry => entry.Progress));
    }

    [Fact]
    public async Task Refuses_events_of_an_unknown_job()
    {
        var router = new RouterUnderTest(_store);
        Assert.Equal(AppendRefusal.NotFound, (await router.AppendAsync(_job, Input("vision.started", "vision", "started"))).Refusal);
        Assert.Empty(_store.Keys);
    }

    [Fact]
    public async Task Same_body_is_the_same_job_and_another_body_is_refused()
    {
        var router = new RouterUnderTest(_store);
        await router.CreateAsync(_job, bodyHash: "a");
        Assert.Equal(new AppendOutcome(AppendRefusal.None, 1, false), await router.CreateAsync(_job, bodyHash: "a"));
        Assert.Equal(AppendRefusal.KeyReused, (await router.CreateAsync(_job, bodyHash: "b")).Refusal);
        Assert.Equal(AppendRefusal.KeyReused, (await new RouterUnderTest(_store).CreateAsync(_job, owner: "u2", bodyHash: "a")).Refusal);
        Assert.Single(await router.ReadAsync(_store, _job));
    }

    [Fact]
    public async Task Every_write_has_a_time_to_live_after_the_deadline()
    {
        var router = new RouterUnderTest(_store, options => options.OpenBytes = 300);
        await router.CreateAsync(_job, deadline: TimeSpan.FromMinutes(5));
        await router.AppendAsync(_job, Input("vision.started", "vision", "started"));
        await router.AppendAsync(_job, Input("vision.completed", "vision", "completed"));
        Assert.Contains(_store.Keys, key => key.StartsWith($"job:{_job}:", StringComparison.Ordinal));
        Assert.All(
            _store.Ttls.Where(ttl => ttl.Key.StartsWith("job:", StringComparison.Ordinal)),
            ttl => Assert.Equal(TimeSpan.FromHours(24) + TimeSpan.FromMinutes(5), ttl.Value));
    }
}
