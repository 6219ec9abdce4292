using Desk.Products;
using Desk.Products.Naver;
using NaverServers;
using TestKit;

namespace Desk.Tests;

/// <summary>Requests at a time, per second and per day.</summary>
public sealed class NaverLimitsTests
{
    [Fact]
    public async Task Five_requests_run_at_a_time()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var replica = naver.AddReplica(settings: [("Naver:RequestsPerSecond", "1000"), ("Timeout", "00:05:00"), ("Naver:Timeout", "00:01:00")]);
        var open = new TaskCompletionSource();
        naver.Server.Brain = _ => NaverReply.Found() with { Before = token => open.Task.WaitAsync(token) };

        var searches = Enumerable.Range(0, 12).Select(n => replica.SearchAsync($"검색 {n}")).ToArray();
        await NaverPlatform.UntilAsync(() => naver.Server.Running == 5);
        open.SetResult();
        await Task.WhenAll(searches).WaitAsync(TimeSpan.FromSeconds(30), NaverPlatform.Cancel);

        Assert.Equal((12, 5), (naver.Server.Calls, naver.Server.MaxConcurrent));
    }

    [Fact]
    public async Task Calls_begin_eight_a_second_in_any_second()
    {
        var clock = new ManualTimeProvider();
        var pace = new CallPace(8, clock);
        var starts = new List<DateTimeOffset>();
        async Task CallAsync()
        {
            await pace.WaitAsync(NaverPlatform.Cancel);
            lock (starts)
            {
                starts.Add(clock.GetUtcNow());
            }
        }

        var calls = Enumerable.Range(0, 3).Select(_ => CallAsync()).ToList();
        clock.Advance(TimeSpan.FromMilliseconds(700));
        calls.AddRange(Enumerable.Range(0, 27).Select(_ => CallAsync()));
        while (calls.Any(call => !call.IsCompleted))
        {
            Assert.NotNull(clock.AdvanceToNextTimer());
            await NaverPlatform.UntilAsync(() => clock.NextTimer is not null || calls.All(call => call.IsCompleted));
        }

        Assert.Equal(30, starts.Count);
        var ordered = starts.Order().ToArray();
        Assert.All(Enumerable.Range(0, 30 - 8), n => Assert.True(ordered[n + 8] - ordered[n] >= TimeSpan.FromSeconds(1), $"{n}: {ordered[n]:ss.fff} {ordered[n + 8]:ss.fff}"));
        // And no slower than that: 3 at 0 s, 5 at 0.7 s, 3 at 1 s, …
        Assert.Equal(TimeSpan.FromSeconds(3.7), ordered[^1] - ordered[0]);
    }

    [Fact]
    public async Task One_who_leaves_gives_no_place_to_too_many()
    {
        var clock = new ManualTimeProvider();
        var pace = new CallPace(1, clock);
        using var leaving = new CancellationTokenSource();
        await pace.WaitAsync(NaverPlatform.Cancel);
        var gone = pace.WaitAsync(leaving.Token);
        var next = pace.WaitAsync(NaverPlatform.Cancel);

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.False(next.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));
        await next.WaitAsync(TimeSpan.FromSeconds(30), NaverPlatform.Cancel);
    }

    [Fact]
    public async Task Replicas_together_never_exceed_the_day_and_write_once_per_block()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var clock = new ManualTimeProvider();
        (string, string)[] settings = [("Naver:DailyLimit", "95"), ("Naver:DailyBlock", "10")];
        var replicas = new[] { naver.AddReplica(clock, settings: settings), naver.AddReplica(clock, settings: settings), naver.AddReplica(clock, settings: settings) };
        var taken = 0;
        async Task TakeAllAsync(NaverPlatform.Replica replica)
        {
            while (true)
            {
                try
                {
                    await replica.Calls.TakeAsync(NaverPlatform.Cancel);
                    Interlocked.Increment(ref taken);
                }
                catch (ProductSearchException failure)
                {
                    Assert.Equal(ProductSearchFailure.DayLimitReached, failure.Failure);
                    return;
                }
            }
        }

        await Task.WhenAll(replicas.Select(replica => Task.Run(() => TakeAllAsync(replica))));

        Assert.Equal(95, taken);
        Assert.Equal(95, await naver.CountedAsync("2026-01-01"));
        Assert.Equal(1, replicas[0].Calls.UsedShare);
        // A replica that knows asks no more.
        naver.Dapr.Faults.StateWrites("statestore").Always().Fail();
        await Assert.ThrowsAsync<ProductSearchException>(() => replicas[0].Calls.TakeAsync(NaverPlatform.Cancel));
    }

    [Fact]
    public async Task A_day_ends_at_midnight_in_Korea()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var clock = new ManualTimeProvider(new DateTimeOffset(2026, 3, 31, 14, 59, 59, TimeSpan.Zero));
        var replica = naver.AddReplica(clock, settings: [("Naver:DailyLimit", "2"), ("Naver:DailyBlock", "2")]);
        await replica.Calls.TakeAsync(NaverPlatform.Cancel);
        await replica.Calls.TakeAsync(NaverPlatform.Cancel);
        await Assert.ThrowsAsync<ProductSearchException>(() => replica.Calls.TakeAsync(NaverPlatform.Cancel));
        Assert.Equal(1, replica.Logs.Count(2246));

        clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(0, replica.Calls.UsedShare);
        await replica.Calls.TakeAsync(NaverPlatform.Cancel);
        Assert.Equal((2, 2), (await naver.CountedAsync("2026-03-31"), await naver.CountedAsync("2026-04-01")));
    }

    [Fact]
    public async Task What_a_crashed_replica_had_set_aside_is_lost_and_no_more()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var clock = new ManualTimeProvider();
        (string, string)[] settings = [("Naver:DailyLimit", "50"), ("Naver:DailyBlock", "20")];
        await naver.AddReplica(clock, settings: settings).Calls.TakeAsync(NaverPlatform.Cancel);

        // It is gone with 19 of its 20.
        var second = naver.AddReplica(clock, settings: settings);
        for (var n = 0; n < 30; n++)
        {
            await second.Calls.TakeAsync(NaverPlatform.Cancel);
        }

        var failure = await Assert.ThrowsAsync<ProductSearchException>(() => second.Calls.TakeAsync(NaverPlatform.Cancel));
        Assert.Equal(ProductSearchFailure.DayLimitReached, failure.Failure);
        Assert.Equal(50, await naver.CountedAsync("2026-01-01"));
    }

    [Fact]
    public async Task A_write_whose_answer_was_lost_wastes_a_block_and_counts_none_twice()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var replica = naver.AddReplica(new ManualTimeProvider(), settings: [("Naver:DailyLimit", "30"), ("Naver:DailyBlock", "10")]);
        naver.Dapr.Faults.StateWrites("statestore").FailAfterwards();

        var taken = 0;
        while (true)
        {
            try
            {
                await replica.Calls.TakeAsync(NaverPlatform.Cancel);
                taken++;
            }
            catch (ProductSearchException failure) when (failure.Failure == ProductSearchFailure.DayLimitReached)
            {
                break;
            }
        }

        Assert.Equal(20, taken);
        Assert.Equal(30, await naver.CountedAsync("2026-01-01"));
    }

    [Fact]
    public async Task Without_a_count_nobody_is_asked()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var replica = naver.AddReplica();
        var fault = naver.Dapr.Faults.StateWrites("statestore").Always();
        fault.Fail();

        Assert.Equal(ProductSearchFailure.CounterAway, await replica.FailureAsync());
        Assert.Equal(0, naver.Server.Calls);
    }

    [Fact]
    public async Task When_Naver_says_that_the_quota_is_spent_no_replica_asks_again_that_day()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var clock = new ManualTimeProvider();
        var (first, second) = (naver.AddReplica(clock), naver.AddReplica(clock));
        naver.Server.Behaviour = naver.Server.Behaviour with { Quota = 0 };

        Assert.Equal(ProductSearchFailure.QuotaExhausted, await first.FailureAsync("1"));
        Assert.Equal(ProductSearchFailure.DayLimitReached, await first.FailureAsync("2"));
        Assert.Equal(ProductSearchFailure.DayLimitReached, await second.FailureAsync("3"));
        Assert.Equal(1, naver.Server.Calls);

        naver.Server.Behaviour = naver.Server.Behaviour with { Quota = 25_000 };
        clock.Advance(TimeSpan.FromDays(1));
        Assert.NotEmpty(await second.SearchAsync("4"));
    }

    [Fact]
    public async Task The_count_of_a_day_goes_after_a_day_and_a_half()
    {
        await using var naver = await NaverPlatform.StartAsync();
        await naver.AddReplica(new ManualTimeProvider()).Calls.TakeAsync(NaverPlatform.Cancel);

        naver.Dapr.Clock.Advance(TimeSpan.FromHours(35));
        Assert.Equal(20, await naver.CountedAsync("2026-01-01"));
        naver.Dapr.Clock.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(1));
        Assert.Null(await naver.CountedAsync("2026-01-01"));
    }
}
