using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Api.Tests;
using TestKit;

namespace Sidecar.Runtime.Tests;

/// <summary>A schedule reaches the app that has its route.</summary>
public sealed class CronDeliveryTests
{
    [Fact]
    public async Task Ticks_reach_the_route_named_like_the_binding_on_time_and_again_after_a_failure()
    {
        var clock = new ManualTimeProvider();
        var ticks = new ConcurrentQueue<(string Binding, DateTimeOffset ReadAt)>();
        await using var run = new TestRun().Component("sweep", "bindings.cron", "schedule=@every 5s").Component("absent", "bindings.cron", "schedule=@every 1s");
        await run.AppAsync("a", app =>
        {
            app.MapMethods("/sweep", ["OPTIONS"], () => Results.Ok());
            app.MapPost("/{binding}", (string binding, HttpContext http) =>
            {
                ticks.Enqueue((binding, DateTimeOffset.Parse(http.Request.Headers["readTimeUTC"]!, CultureInfo.InvariantCulture)));
                return ticks.Count == 1 ? Results.StatusCode(500) : Results.Ok();
            });
            app.MapMethods("/absent", ["OPTIONS"], () => Results.NotFound());
        });
        var start = clock.GetUtcNow();
        await run.StartAsync(clock);

        await TestRun.Eventually(() =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(250));
            return ticks.Count >= 3;
        });

        Assert.All(ticks, tick => Assert.Equal("sweep", tick.Binding));
        Assert.True(ticks.First().ReadAt >= start + TimeSpan.FromSeconds(5), "a tick came before its time");
        Assert.All(ticks.Zip(ticks.Skip(1)), pair => Assert.True(pair.Second.ReadAt > pair.First.ReadAt, "a tick came twice"));
    }
}
