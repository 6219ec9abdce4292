using System.Globalization;
using LocalServers.Processes;

namespace Launcher.Tests;

public sealed class SupervisionTests
{
    private const int SigInt = 2;

    [Fact]
    public async Task Restarts_a_dead_app_and_shows_code_and_last_lines()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("shop", "[ -f died ] && exec sleep 1000; touch died; echo last words; exit 3"));
        run.Start();

        var output = await run.SeesAsync("shop#0 starts again in 0.5 s");

        Assert.Contains("exited with code 3", output, StringComparison.Ordinal);
        Assert.Contains("shop#0 > last words", output, StringComparison.Ordinal);
        await run.UntilAsync(() => !LaunchedRun.IsGone(run.PidOf("shop#0")), "shop#0 runs again");
    }

    [Fact]
    public async Task Ends_the_run_after_five_deaths_with_growing_pauses()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("good", "exec sleep 1000"), LaunchedRun.Shell("bad", "echo ouch; exit 4"));
        run.Start();

        // Long before the run ends, and good#0 with it.
        await run.SeesAsync("bad#0 starts again in 0.5 s");
        var good = 0;
        await run.UntilAsync(() => (good = run.PidOf("good#0")) != 0, "good#0 runs");
        var output = await run.SeesAsync("bad#0 starts again in 4 s");

        Assert.Equal(1, await run.ExitsAsync());
        Assert.Contains("bad#0 starts again in 1 s", output, StringComparison.Ordinal);
        Assert.Contains("bad#0 starts again in 2 s", output, StringComparison.Ordinal);
        Assert.Contains("bad#0 died 5 times within a minute", run.Output, StringComparison.Ordinal);
        Assert.True(LaunchedRun.IsGone(good));
    }

    [Fact]
    public async Task Ends_the_run_at_the_first_death_with_no_restart()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("bad", "exit 4"));
        run.Start("--no-restart");

        Assert.Equal(1, await run.ExitsAsync());
        Assert.Contains("because of --no-restart", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interrupt_stops_everything_and_exits_with_0()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("one", "exec sleep 1000"), LaunchedRun.Shell("two", "exec sleep 1000"));
        run.Start("--replicas", "one=2");
        await run.SeesAsync("ready: 3 apps");
        var pids = run.State.Processes.Select(process => process.Pid ?? 0).ToList();

        run.Signal(SigInt);

        Assert.Equal(0, await run.ExitsAsync());
        Assert.Equal(4, pids.Count);
        Assert.All(pids, pid => Assert.True(LaunchedRun.IsGone(pid)));
    }

    [Fact]
    public async Task Second_interrupt_kills_an_app_that_does_not_stop()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("deaf", "trap 'echo not yet' TERM; echo up; while :; do sleep 0.1; done"));
        run.Start();
        await run.SeesAsync("deaf#0  | up");
        await run.SeesAsync("ready: 1 apps");
        var pid = run.PidOf("deaf#0");

        run.Signal(SigInt);
        await run.SeesAsync("not yet");
        run.Signal(SigInt);

        Assert.Equal(0, await run.ExitsAsync());
        Assert.True(LaunchedRun.IsGone(pid));
    }

    [Fact]
    public async Task An_app_that_does_not_stop_in_time_is_killed_with_what_it_started()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("deaf", "trap '' TERM; sleep 1000 & echo child=$!.; while :; do wait; done"));
        run.Start("--stop-timeout", "1");
        await run.SeesAsync("ready: 1 apps");
        var child = ChildIn(await run.SeesAsync("child="));

        run.Signal(Libc.SigTerm);

        Assert.Equal(0, await run.ExitsAsync());
        Assert.True(LaunchedRun.IsGone(child));
    }

    [Fact]
    public async Task What_a_dead_app_had_started_does_not_outlive_it()
    {
        // As with dotnet run: the program is a child of the process that the launcher knows.
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("parent", "[ -f died ] && exec sleep 1000; touch died; sleep 1000 & echo child=$!.; wait"));
        run.Start();
        await run.SeesAsync("ready: 1 apps");
        var child = ChildIn(await run.SeesAsync("child="));

        Libc.Signal(run.PidOf("parent#0"), Libc.SigKill);
        await run.SeesAsync("parent#0 starts again in 0.5 s");

        Assert.True(LaunchedRun.IsGone(child));
    }

    [Fact]
    public async Task Stop_verb_returns_when_nothing_is_left()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("one", "exec sleep 1000"));
        run.Start();
        await run.SeesAsync("ready: 1 apps");
        var pids = run.State.Processes.Select(process => process.Pid ?? 0).ToList();
        await using var verb = new LaunchedRun();

        verb.StartVerb("stop", "-f", run.Folder);

        Assert.Equal(0, await verb.ExitsAsync());
        Assert.All(pids, pid => Assert.True(LaunchedRun.IsGone(pid)));
        Assert.Equal(0, await run.ExitsAsync());
    }

    [Fact]
    public async Task Killed_launcher_leaves_no_process()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("one", "exec sleep 1000"), LaunchedRun.Shell("deaf", "trap '' TERM; while :; do sleep 0.1; done"));
        run.Start();
        await run.SeesAsync("ready: 2 apps");
        var pids = run.State.Processes.Select(process => process.Pid ?? 0).ToList();

        run.Signal(Libc.SigKill);
        await run.ExitsAsync();

        // At once: the next run waits until the guard has ended the children, which hold the store and the ports.
        await using var next = new LaunchedRun();
        next.StartVerb("run", "-f", run.Folder, "--no-build", "--stop-timeout", "1");
        var output = await next.SeesAsync("ready: 2 apps");
        Assert.All(pids, pid => Assert.True(LaunchedRun.IsGone(pid)));
        Assert.DoesNotContain("starts again", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restart_verb_replaces_the_process_and_counts_no_death()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("one", "exec sleep 1000"));
        run.Start();
        await run.SeesAsync("ready: 1 apps");
        var before = run.PidOf("one#0");
        await using var verb = new LaunchedRun();

        verb.StartVerb("restart", "one", "-f", run.Folder);

        Assert.Equal(0, await verb.ExitsAsync());
        Assert.NotEqual(before, run.PidOf("one#0"));
        Assert.True(LaunchedRun.IsGone(before));
        Assert.DoesNotContain("starts again", run.Output, StringComparison.Ordinal);
    }

    private static int ChildIn(string output) => int.Parse(output.Split("child=")[1].Split('.')[0], CultureInfo.InvariantCulture);
}
