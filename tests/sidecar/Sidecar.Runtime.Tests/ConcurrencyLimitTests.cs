using Microsoft.AspNetCore.Builder;
using Sidecar.Api.Tests;

namespace Sidecar.Runtime.Tests;

/// <summary><c>appMaxConcurrency</c> (dapr/config §6).</summary>
public sealed class ConcurrencyLimitTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_more_calls_than_the_limit_are_in_the_app_at_once_and_all_are_served()
    {
        const int Calls = 6;
        using var entered = new SemaphoreSlim(0);
        using var release = new SemaphoreSlim(0);
        var (inside, most) = (0, 0);
        await using var run = new TestRun();
        await run.AppAsync("slow", maxConcurrency: 2, map: app => app.MapGet("/work", async () =>
        {
            var now = Interlocked.Increment(ref inside);
            InterlockedMax(ref most, now);
            entered.Release();
            await release.WaitAsync(Token);
            Interlocked.Decrement(ref inside);
        }));
        await run.StartAsync();
        using var http = run.Client();

        var calls = Enumerable.Range(0, Calls).Select(_ => http.GetAsync("/v1.0/invoke/slow/method/work", Token)).ToList();
        for (var call = 0; call < Calls; call++)
        {
            await entered.WaitAsync(Token).WaitAsync(TimeSpan.FromMinutes(1), Token);
            if (call > 0)
            {
                release.Release();
            }
        }

        release.Release();
        Assert.All(await Task.WhenAll(calls), response => response.EnsureSuccessStatusCode());
        Assert.Equal(2, most);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = target; value > seen;)
        {
            seen = Interlocked.CompareExchange(ref target, value, seen) is var found && found == seen ? value : found;
        }
    }
}
