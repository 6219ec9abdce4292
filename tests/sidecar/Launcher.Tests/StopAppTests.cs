using System.Text.Json;

namespace Launcher.Tests;

/// <summary><c>daprw stop --app-id</c> and <c>daprw list</c>.</summary>
public sealed class StopAppTests
{
    [Fact]
    public async Task One_app_stops_the_others_go_on_and_it_can_come_back_until_the_last_one_ends_the_run()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("one", "exec sleep 1000"), LaunchedRun.Shell("two", "exec sleep 1000"));
        run.Start("--replicas", "two=2");
        await run.SeesAsync("ready: 3 apps");
        var (one, two) = (run.PidOf("one#0"), run.PidOf("two#1"));

        Assert.Equal("one#0 stopped; './daprw restart one#0' starts it again", await Verb.OutputAsync(run, "stop", "--app-id", "one"));
        Assert.True(LaunchedRun.IsGone(one));
        var apps = JsonDocument.Parse(await Verb.OutputAsync(run, "list", "-o", "json")).RootElement.EnumerateArray().ToList();
        Assert.Equal(
            [("one", 0), ("two", run.PidOf("two#0")), ("two", two)],
            apps.Select(app => (app.GetProperty("appId").GetString()!, app.GetProperty("appPid").GetInt32())));
        Assert.Equal((run.Pid, "sh -c exec sleep 1000"), (apps[1].GetProperty("cliPid").GetInt32(), apps[1].GetProperty("command").GetString()));

        await Verb.OutputAsync(run, "restart", "one");
        Assert.False(LaunchedRun.IsGone(run.PidOf("one#0")));

        await Verb.OutputAsync(run, "stop", "-a", "one", "-a", "two");
        Assert.Equal(0, await run.ExitsAsync());
        Assert.DoesNotContain("starts again", run.Output, StringComparison.Ordinal);
        Assert.Contains("every app was stopped: the run ends", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_that_runs_is_an_empty_list_and_no_failure()
    {
        await using var run = new LaunchedRun();

        Assert.Equal("[]", await Verb.OutputAsync(run, "list", "-o", "json"));
        Assert.Equal($"nothing runs in {run.Data.Root}: start it with './daprw run'", await Verb.OutputAsync(run, "list"));
        Assert.Equal((1, $"daprw: nothing runs in {run.Data.Root}: start it with './daprw run'"), await Verb.RunAsync(run, "stop"));
    }
}
