using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Testing;

namespace Sidecar.Runtime.Tests;

/// <summary>A schedule reaches the app that has its route.</summary>
public sealed class CronDeliveryTests
{
    [Fact]
    public async Task Ticks_reach_the_route_named_like_the_binding_on_time_and_again_after_a_failure()
    {
        var ticks = new ConcurrentQueue<(string Binding, TimeSpan After)>();
        await using var dapr = await SidecarHost.StartAsync(options => options
            .AddComponent("sweep", "bindings.cron", ("schedule", "@every 5s")).AddComponent("absent", "bindings.cron", ("schedule", "@every 1s")));
        var start = dapr.Clock.GetUtcNow();
        await dapr.StartAppAsync("a", app =>
        {
            app.MapMethods("/sweep", ["OPTIONS"], () => Results.Ok());
            app.MapPost("/{binding}", (string binding, HttpContext http) =>
            {
                Assert.Equal("Local", http.Request.Headers["timeZone"]);
                ticks.Enqueue((binding, DateTimeOffset.Parse(http.Request.Headers["readTimeUTC"]!, CultureInfo.InvariantCulture) - start));
                return ticks.Count == 1 ? Results.StatusCode(500) : Results.Ok();
            });
            app.MapMethods("/absent", ["OPTIONS"], () => Results.NotFound());
        });

        await dapr.AdvanceAsync(TimeSpan.FromSeconds(16));

        Assert.Equal([("sweep", TimeSpan.FromSeconds(5)), ("sweep", TimeSpan.FromSeconds(10)), ("sweep", TimeSpan.FromSeconds(15))], ticks);
    }
}
