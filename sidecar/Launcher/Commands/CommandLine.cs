using System.CommandLine;
using System.Globalization;
using Launcher.Data;
using Launcher.Run;

namespace Launcher.Commands;

/// <summary>Verbs and options. A mistake is one line; <c>--help</c> explains.</summary>
internal static class CommandLine
{
    private static readonly Option<string> File = new("--run-file", "-f")
    {
        Description = "Run template, or the folder of a dapr.yaml",
        DefaultValueFactory = _ => "dapr.yaml",
    };

    /// <summary>For verbs whose <c>-f</c> is something else.</summary>
    private static readonly Option<string> LongFile = new("--run-file") { Description = File.Description, DefaultValueFactory = _ => "dapr.yaml" };

    private static readonly Option<string?> DataDir = new("--data-dir")
    {
        Description = "Data, secrets, logs and state of the run (default: .data beside the template)",
        Recursive = true,
    };

    public static Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Runs the apps of a dapr.yaml together with their Dapr endpoints") 
        {
            DataDir, RunVerb.Create(File, DataDir), List(), Stop(), Logs(), Restart(), Reset(),
            CallVerbs.Invoke(parsed => Data(parsed, LongFile), LongFile), CallVerbs.Publish(parsed => Data(parsed, LongFile), LongFile),
            WorkflowVerbs.Create(Data), DeadVerbs.Create(Data), ModelsVerb.Create(Data, File), KeyVerbs.Create(Data, File), Components(), Dashboard(),
        };
        foreach (var verb in ServerVerbs.Create(parsed => Data(parsed, File), File))
        {
            root.Add(verb);
        }

        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            throw new LauncherException($"{parsed.Errors[^1].Message} See './daprw {string.Join(' ', Words(parsed.CommandResult.Command).Append("--help"))}'.", 2);
        }

        // Signals and exceptions are handled here, not by the library.
        return parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    /// <summary>The words of the verb that was called, such as <c>workflow list</c>.</summary>
    private static IEnumerable<string> Words(Symbol command) =>
        command is RootCommand ? [] : [.. command.Parents.Take(1).SelectMany(Words), command.Name];

    private static Command List()
    {
        var output = new Option<string>("--output", "-o") { Description = "table or json", DefaultValueFactory = _ => "table" }.AcceptOnlyFromAmong("table", "json");
        var command = new Command("list", "Show the processes of the run") { File, output };
        command.SetAction(parsed => ListCommand.Execute(Data(parsed, File), parsed.GetValue(output) == "json", TimeProvider.System));
        return command;
    }

    private static Command Stop()
    {
        var apps = new Option<string[]>("--app-id", "-a") { Description = "Only this app or instance (may be repeated)" };
        var command = new Command("stop", "Stop the run, or apps of it") { File, apps };
        command.SetAction((parsed, cancellationToken) => parsed.GetValue(apps) is { Length: > 0 } names
            ? OtherCommands.StopAppsAsync(Data(parsed, File), names, TimeProvider.System, cancellationToken)
            : OtherCommands.StopAsync(Data(parsed, File), TimeProvider.System, cancellationToken));
        return command;
    }

    private static Command Logs()
    {
        var name = new Argument<string?>("name") { Description = "App, instance (app#0) or sidecar; all when left out", DefaultValueFactory = _ => null };
        var app = new Option<string?>("--app-id", "-a") { Description = "The same as the name" };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what comes" };
        var command = new Command("logs", "Print the logs of the run") { name, app, follow, LongFile };
        command.SetAction((parsed, cancellationToken) => LogsCommand.ExecuteAsync(
            Data(parsed, LongFile), parsed.GetValue(app) ?? parsed.GetValue(name), parsed.GetValue(follow), TimeProvider.System, cancellationToken));
        return command;
    }

    private static Command Restart()
    {
        var name = new Argument<string>("name") { Description = "App (its instances one after the other), instance (app#0) or sidecar" };
        var command = new Command("restart", "Stop a process in order and start it again") { name, File };
        command.SetAction((parsed, cancellationToken) =>
            OtherCommands.RestartAsync(Data(parsed, File), parsed.GetRequiredValue(name), TimeProvider.System, cancellationToken));
        return command;
    }

    private static Command Reset()
    {
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask" };
        var command = new Command("reset", "Delete what the run stored: state, messages, workflows, objects") { yes, File };
        command.SetAction(parsed => OtherCommands.Reset(Data(parsed, File), parsed.GetValue(yes)));
        return command;
    }

    private static Command Components()
    {
        var set = new Option<string>("--components", "-c") { Description = "Component set below components/", DefaultValueFactory = _ => "local" };
        var output = new Option<string>("--output", "-o") { Description = "table or json", DefaultValueFactory = _ => "table" }.AcceptOnlyFromAmong("table", "json");
        var command = new Command("components", "Show and check the components of a template, and which apps see them") { File, set, output };
        command.SetAction((parsed, cancellationToken) => ComponentsCommand.ExecuteAsync(
            parsed.GetRequiredValue(File), parsed.GetRequiredValue(set), Data(parsed, File), parsed.GetValue(DataDir) is not null,
            parsed.GetValue(output) == "json", cancellationToken));
        return command;
    }

    private static Command Dashboard()
    {
        var port = new Option<ushort>("--port", "-p") { Description = "Port of the page (default: a free one)" };
        var command = new Command("dashboard", "Show the run, its workflows and its logs in a browser") { port, File };
        command.SetAction(parsed => DashboardCommand.ExecuteAsync(Data(parsed, File), parsed.GetValue(port), TimeProvider.System));
        return command;
    }

    /// <summary>The data directory follows from the template's place; its content does not matter here.</summary>
    private static DataDirectory Data(ParseResult parsed, Option<string> option)
    {
        var file = Path.GetFullPath(parsed.GetRequiredValue(option));
        return RunCommand.DataDirectoryOf(Directory.Exists(file) ? file : Path.GetDirectoryName(file)!, parsed.GetValue(DataDir));
    }
}
