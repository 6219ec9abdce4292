using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Launcher.Run;

namespace Launcher.Commands;

/// <summary>Verbs and options. A mistake is one line; <c>--help</c> explains.</summary>
internal static class CommandLine
{
    private static readonly Option<string> File = new("--run-file", "-f")
    {
        Description = "Run template, or the folder of a dapr.yaml",
        DefaultValueFactory = _ => "dapr.yaml",
        Recursive = true,
    };

    private static readonly Option<string?> DataDir = new("--data-dir")
    {
        Description = "Data, secrets, logs and state of the run (default: .data beside the template)",
        Recursive = true,
    };

    public static Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Runs the apps of a dapr.yaml together with their Dapr endpoints") { File, DataDir, Run() };
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            throw new LauncherException($"{parsed.Errors[0].Message} See './daprw --help'.", 2);
        }

        // Signals and exceptions are handled here, not by the library.
        return parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    private static Command Run()
    {
        var set = new Option<string>("--components", "-c") { Description = "Component set below components/", DefaultValueFactory = _ => "local" };
        var replicas = new Option<string[]>("--replicas") { Description = "APP=N: number of instances of an app (may be repeated)" };
        var gatewayPort = new Option<int?>("--gateway-port") { Description = "Port of the app named gateway" };
        var noBuild = new Option<bool>("--no-build") { Description = "Start what the last run built" };
        var noRestart = new Option<bool>("--no-restart") { Description = "Stop everything when a process ends" };
        var readyTimeout = new Option<int>("--ready-timeout") { Description = "Seconds until the launcher says who is not ready", DefaultValueFactory = _ => 120 };
        var command = new Command("run", "Build and start everything; Ctrl-C stops it") { set, replicas, gatewayPort, noBuild, noRestart, readyTimeout };
        command.SetAction((parsed, _) => RunCommand.ExecuteAsync(new RunOptions
        {
            File = parsed.GetRequiredValue(File),
            DataDirectory = parsed.GetValue(DataDir),
            Set = parsed.GetRequiredValue(set),
            Replicas = ReadReplicas(parsed.GetValue(replicas) ?? []),
            GatewayPort = parsed.GetValue(gatewayPort),
            Build = !parsed.GetValue(noBuild),
            Restart = !parsed.GetValue(noRestart),
            ReadyTimeout = TimeSpan.FromSeconds(parsed.GetValue(readyTimeout)),
        }));
        return command;
    }

    private static Dictionary<string, int> ReadReplicas(string[] texts)
    {
        var replicas = new Dictionary<string, int>();
        foreach (var text in texts)
        {
            replicas[text.Split('=')[0]] =
                text.Split('=') is [_, var count] && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 100
                    ? number
                    : throw new LauncherException($"--replicas {text}: expected APP=N with N from 1 to 100", 2);
        }

        return replicas;
    }
}
