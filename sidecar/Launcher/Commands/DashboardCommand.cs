using System.Globalization;
using Launcher.Data;
using Launcher.Logs;
using Launcher.Processes;
using Launcher.Run;
using LocalServers.Processes;

namespace Launcher.Commands;

/// <summary><c>daprw dashboard</c>: the page of the run, until Ctrl-C. It may be there before the run and stay after it.</summary>
internal static class DashboardCommand
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);

    public static async Task<int> ExecuteAsync(DataDirectory data, ushort port, TimeProvider time)
    {
        using var signals = new StopSignals();
        data.Create();

        // No run builds it, so what is there may be of an older version.
        var builder = new Builder(data, "Debug", "dashboard");
        var program = (await builder.BuildAsync([Repository.DashboardProject], build: true, signals.Stop))[Repository.DashboardProject];

        // A place of its own: the address lets in, so it is in no log of the run.
        var own = new DataDirectory(Path.Combine(data.Root, "dashboard"));
        own.Create();
        using var guard = new Guard();
        using var log = new LogMerger(Console.Out, colour: false, own.Logs).Open("dashboard", "dashboard.log", onConsole: true);
        using var child = Child.Run(
            new ChildSpec(["dotnet", program, "--data-dir", data.Root, "--port", port.ToString(CultureInfo.InvariantCulture)], own.Root, RunPlan.CommonEnvironment()),
            guard, log);
        var stopped = Task.Delay(Timeout.InfiniteTimeSpan, signals.Stop);
        if (await Task.WhenAny(child.Exited, stopped) == stopped)
        {
            await child.StopAsync(StopGrace, time, signals.Hurry);
            return 0;
        }

        return (await child.Exited).Code;
    }
}
