using Desk.Products;
using NaverServers;

namespace Desk.Tests;

/// <summary>What was found is found again without asking.</summary>
public sealed class NaverCacheTests
{
    [Fact]
    public async Task An_answer_is_kept_for_an_hour_for_all_replicas()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var (first, second) = (naver.AddReplica(), naver.AddReplica());
        using var lookups = second.Meter("desk.products.lookups");

        var found = await first.SearchAsync();
        Assert.Equal(found, await second.SearchAsync());
        naver.Dapr.Clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(found, await second.SearchAsync());
        Assert.Equal(1, naver.Server.Calls);

        naver.Dapr.Clock.Advance(TimeSpan.FromMinutes(1) + TimeSpan.FromSeconds(1));
        await second.SearchAsync();
        Assert.Equal(2, naver.Server.Calls);
        Assert.Equal((2, 1), (lookups["hit"], lookups["miss"]));
    }

    [Fact]
    public async Task That_nothing_was_found_is_kept_for_a_shorter_time()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var replica = naver.AddReplica();
        naver.Server.Next(NaverReply.Found());

        Assert.Empty(await replica.SearchAsync());
        Assert.Empty(await replica.SearchAsync());
        naver.Dapr.Clock.Advance(TimeSpan.FromMinutes(5) + TimeSpan.FromSeconds(1));

        Assert.NotEmpty(await replica.SearchAsync());
        Assert.Equal(2, naver.Server.Calls);
    }

    [Fact]
    public async Task Another_query_count_or_list_of_hosts_is_another_answer()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var replica = naver.AddReplica();

        await replica.SearchAsync("a");
        await replica.SearchAsync("b");
        await replica.SearchAsync("a", 11);
        await naver.AddReplica(settings: ("Naver:LinkHosts:0", "mall.example")).SearchAsync("a");

        Assert.Equal(4, naver.Server.Calls);
    }

    [Fact]
    public async Task Failures_are_not_kept()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var replica = naver.AddReplica();
        naver.Server.Next(NaverReply.Error(400, "SE01"));

        await replica.FailureAsync();

        Assert.NotEmpty(await replica.SearchAsync());
    }

    [Fact]
    public async Task Equal_searches_at_the_same_time_are_one_also_when_the_first_leaves()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var replica = naver.AddReplica();
        var open = new TaskCompletionSource();
        naver.Server.Next(NaverReply.Found(new NaverItem("컵", "https://smartstore.naver.com/main/products/1")) with { Before = token => open.Task.WaitAsync(token) });
        using var leaving = new CancellationTokenSource();
        var leaver = replica.Naver.SearchAsync("무선 마우스", 10, leaving.Token);
        await NaverPlatform.UntilAsync(() => naver.Server.Running == 1);

        var others = Enumerable.Range(0, 9).Select(_ => replica.SearchAsync()).ToArray();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaver);
        open.SetResult();

        Assert.All(await Task.WhenAll(others), found => Assert.Equal("컵", Assert.Single(found).Name));
        Assert.Equal(1, naver.Server.Calls);
    }

    [Fact]
    public async Task A_failure_of_a_shared_search_is_everybody_s_and_the_next_one_asks_anew()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var replica = naver.AddReplica();
        var open = new TaskCompletionSource();
        naver.Server.Next(NaverReply.Error(400, "SE01") with { Before = token => open.Task.WaitAsync(token) });
        var first = replica.FailureAsync();
        await NaverPlatform.UntilAsync(() => naver.Server.Running == 1);
        var second = replica.FailureAsync();
        open.SetResult();

        Assert.Equal([ProductSearchFailure.Refused, ProductSearchFailure.Refused], await Task.WhenAll(first, second));
        Assert.NotEmpty(await replica.SearchAsync());
        Assert.Equal(2, naver.Server.Calls);
    }
}
