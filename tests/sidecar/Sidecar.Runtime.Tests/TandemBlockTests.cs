using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Sidecar.Api.Tests;

namespace Sidecar.Runtime.Tests;

/// <summary>Locks and configuration of the file store through the API.</summary>
public sealed class TandemBlockTests
{
    [Theory]
    [InlineData("", true)]
    [InlineData("keyPrefix=name", false)]
    [InlineData("keyPrefix=none", false)]
    public async Task Apps_meet_at_a_lock_where_the_prefix_of_its_keys_is_the_same(string metadata, bool bothGetIt)
    {
        await using var run = new TestRun().Component("locks", "lock.tandem", metadata);
        await run.AppAsync("first");
        await run.AppAsync("second");
        await run.StartAsync();

        Assert.True(await TryAsync(0));
        Assert.Equal(bothGetIt, await TryAsync(1));

        async Task<bool> TryAsync(int instance)
        {
            using var http = run.Client(instance);
            var body = JsonContent.Create(new { resourceId = "r", lockOwner = $"owner-{instance}", expiryInSeconds = 60 });
            return (await http.PostAsync("/v1.0-alpha1/lock/locks", body).JsonAsync()).GetProperty("success").GetBoolean();
        }
    }

    [Fact]
    public async Task A_change_of_the_file_reaches_the_subscribers_once_and_a_half_written_one_changes_nothing()
    {
        var posted = new ConcurrentQueue<string>();
        await using var run = new TestRun().Yaml("settings.json", """{"color":"red","size":"1"}""").Component("settings", "configuration.tandem", "file=settings.json");
        await run.AppAsync("app", app => app.MapPost("/configuration/settings/{key}", (string key, JsonElement body) =>
            posted.Enqueue($"{key}={body.GetProperty("items").GetProperty(key).GetProperty("value").GetString()}")));
        // Sees the change, too.
        await run.AppAsync("other");
        await run.StartAsync();
        using var http = run.Client();
        await http.GetAsync("/v1.0/configuration/settings/subscribe").JsonAsync();

        run.Yaml("settings.json", """{"color":"gre""");
        await TestRun.Eventually(() => run.Log.Any(line => line.Contains("the changed file is not taken", StringComparison.Ordinal)));
        run.Yaml("settings.json", """{"color":"green","shape":"round"}""");

        await TestRun.Eventually(() => posted.Count >= 3);
        Assert.Equal(["color=green", "shape=round", "size="], posted.Order());
        Assert.Equal("green", (await http.GetAsync("/v1.0/configuration/settings?key=color").JsonAsync()).GetProperty("color").GetProperty("value").GetString());
    }
}
