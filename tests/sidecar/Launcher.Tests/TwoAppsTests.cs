using LocalServers.Processes;

namespace Launcher.Tests;

/// <summary>The sample under the real launcher: what a person sees, and what a kill -9 costs (nothing).</summary>
public sealed class TwoAppsTests(TwoApps run) : IClassFixture<TwoApps>
{
    [Fact]
    public async Task A_message_flows_from_app_to_app()
    {
        await run.OrderAsync("flow");
        await run.Launched.SeesAsync("Shipped order flow");

        Assert.Equal("lamp", (await run.ShipmentAsync("flow"))?.Item);
    }

    [Fact]
    public async Task Replicas_have_ports_of_their_own_and_take_turns()
    {
        var ports = run.State.Processes.SelectMany(process => (int?[])[process.AppPort, process.HttpPort, process.GrpcPort]).OfType<int>().ToList();
        Assert.Equal(9, ports.Distinct().Count());

        await run.OrderAsync("turns");
        await run.Launched.SeesAsync("Shipped order turns");
        HashSet<int> expected = [run.Process("shipping#0").AppPort!.Value, run.Process("shipping#1").AppPort!.Value];

        // An instance that another test has just killed rejoins when its sidecar sees it.
        var answeredBy = new HashSet<int>();
        using var patience = new CancellationTokenSource(LaunchedRun.Patience);
        while (!answeredBy.SetEquals(expected))
        {
            Assert.False(patience.IsCancellationRequested, $"answered by {string.Join(", ", answeredBy)} of {string.Join(", ", expected)}");
            if (await run.ShipmentAsync("turns") is { } shipment)
            {
                answeredBy.Add(shipment.AnsweredBy);
            }
        }
    }

    [Fact]
    public async Task Killed_apps_come_back_on_their_ports_and_miss_nothing()
    {
        var (first, second) = (run.Process("shipping#0"), run.Process("shipping#1"));
        Libc.Signal(first.Pid!.Value, Libc.SigKill);
        Libc.Signal(second.Pid!.Value, Libc.SigKill);
        await run.Launched.SeesAsync($"shipping#0 (pid {first.Pid}) killed by signal 9 (KILL)");
        await run.Launched.SeesAsync($"shipping#1 (pid {second.Pid}) killed by signal 9 (KILL)");

        await run.OrderAsync("nobody-home");
        await run.Launched.SeesAsync("Shipped order nobody-home");

        Assert.Equal((first.AppPort, second.AppPort), (run.Process("shipping#0").AppPort, run.Process("shipping#1").AppPort));
        await run.Launched.UntilAsync(() => run.Process("shipping#0").Pid is not null && run.Process("shipping#1").Pid is not null, "both run again");
    }

    [Fact]
    public async Task A_killed_sidecar_comes_back_with_everything_it_had_acknowledged()
    {
        var before = run.State;
        string[] orders = [.. Enumerable.Range(0, 20).Select(number => $"acknowledged-{number}.")];
        await Task.WhenAll(orders.Select(run.OrderAsync));
        var pid = run.Launched.PidOf("sidecar");
        Libc.Signal(pid, Libc.SigKill);

        await run.Launched.SeesAsync($"sidecar (pid {pid}) killed by signal 9 (KILL)");
        foreach (var order in orders)
        {
            await run.Launched.SeesAsync($"Shipped order {order}");
        }

        await run.Launched.UntilAsync(() => run.Process("sidecar").Pid is { } next && next != pid, "the sidecar runs again");
        Assert.Equal(
            before.Processes.Select(process => (process.HttpPort, process.GrpcPort)), run.State.Processes.Select(process => (process.HttpPort, process.GrpcPort)));

        // And it works: a message takes the whole way.
        await run.OrderAsync("afterwards");
        await run.Launched.SeesAsync("Shipped order afterwards");
    }

    [Fact]
    public async Task Prefixes_lines_and_keeps_them_in_files_without_colour()
    {
        await run.OrderAsync("logged");
        await run.Launched.SeesAsync("Shipped order logged");

        Assert.Contains(" | ", run.Launched.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[", run.Launched.Output, StringComparison.Ordinal);
        Assert.Contains("Shipped order logged", await OutputOfAsync("logs", "shipping"), StringComparison.Ordinal);
        Assert.Contains("Shipped order logged", await OutputOfAsync("logs", "--app-id", "shipping"), StringComparison.Ordinal);
        Assert.Contains("Shipped order logged", await OutputOfAsync("logs"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_can_be_followed()
    {
        await using var logs = new LaunchedRun();
        logs.StartVerb("logs", "-a", "shipping", "-f", "--data-dir", run.Launched.Data.Root);
        await run.OrderAsync("before-following");
        await logs.SeesAsync("Shipped order before-following");

        await run.OrderAsync("while-following");

        await logs.SeesAsync("Shipped order while-following");
    }

    [Fact]
    public async Task Lists_the_processes()
    {
        var list = await OutputOfAsync("list");

        Assert.All(["orders#0", "shipping#0", "shipping#1", "sidecar"], name => Assert.Contains(name, list, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reset_is_refused_while_the_run_lasts()
    {
        await using var verb = new LaunchedRun();
        verb.StartVerb("reset", "--yes", "--data-dir", run.Launched.Data.Root);

        Assert.Equal(1, await verb.ExitsAsync());
        Assert.Contains($"in use by the run with pid {run.Launched.Pid}", verb.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_state_file_holds_no_tokens() =>
        Assert.DoesNotContain("token", File.ReadAllText(run.Launched.Data.State), StringComparison.OrdinalIgnoreCase);

    private async Task<string> OutputOfAsync(params string[] verb)
    {
        await using var other = new LaunchedRun();
        other.StartVerb([.. verb, "--data-dir", run.Launched.Data.Root]);
        Assert.Equal(0, await other.ExitsAsync());
        return other.Output;
    }
}
