using Launcher.Data;
using Launcher.Logs;
using Launcher.Processes;
using Launcher.Run;
using Launcher.Servers;
using Launcher.Templates;

namespace Launcher.Commands;

/// <summary><c>daprw run</c>.</summary>
internal static class RunCommand
{
    public static async Task<int> ExecuteAsync(RunOptions options)
    {
        using var signals = new StopSignals();
        var template = options.App is null
            ? TemplateReader.Read(options.File, options.Set)
            : CommandLineApp.Read(options.App, options.Command, options.Set);
        var data = DataDirectoryOf(template.BaseDirectory, options.DataDirectory);
        data.Create();
        using var runLock = RunLock.Take(data);
        using var ports = new Ports();
        data.CreateSecrets();
        var colour = !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        var merger = new LogMerger(Console.Out, colour, data.Logs);
        if (template.WithoutEffect is { } line)
        {
            merger.Say(line);
        }

        try
        {
            await Leftovers.GoneAsync(data, TimeProvider.System, signals.Stop);
            var folders = template.Apps.SelectMany(app => app.ResourcesPaths).Distinct().ToList();
            var servers = await RunServers.FindAsync(data, folders, options.Servers, merger.Say, signals.Stop);
            if (options.Build)
            {
                merger.Say("building");
            }

            var assemblies = await new Builder(data, options.Configuration).BuildAsync([Repository.SidecarProject, .. Projects(template)], options.Build, signals.Stop);

            // Ports last: the time between choosing and opening them is short.
            var plan = RunPlan.Make(template, options, data, ports, merger.Say);
            var components = new ComponentFolders(data, elsewhere: options.DataDirectory is not null, servers.Rewrite);
            var run = plan.ToSidecarRun(template, data, components.Resolve) with { ServerWait = options.ServerWait };
            var sidecar = new ChildSpec(["dotnet", assemblies[Repository.SidecarProject], "--run", data.SidecarRun], template.BaseDirectory, RunPlan.CommonEnvironment(servers.Environment));
            using var session = new RunSession(
                plan, options, data, merger, TimeProvider.System, sidecar, instance => Spec(plan, instance, assemblies));
            await session.RunAsync(run, signals.Stop, signals.Hurry);
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            // Stopped while building.
        }

        return 0;
    }

    public static DataDirectory DataDirectoryOf(string baseDirectory, string? given) =>
        new(given is null ? Path.Combine(baseDirectory, ".data") : Path.TrimEndingDirectorySeparator(Path.GetFullPath(given)));

    private static IEnumerable<string> Projects(RunTemplate template) =>
        template.Apps.Where(app => IsDotnetRun(app.Command)).Select(app => Builder.ProjectIn(app.Directory)).Distinct();

    /// <summary>Null: only the Dapr endpoint runs.</summary>
    private static ChildSpec? Spec(RunPlan plan, PlannedInstance instance, IReadOnlyDictionary<string, string> assemblies)
    {
        if (instance.App.Command.Count == 0)
        {
            return null;
        }

        IReadOnlyList<string> command = IsDotnetRun(instance.App.Command)
            ? ["dotnet", assemblies[Builder.ProjectIn(instance.App.Directory)], .. instance.App.Command.Skip(3)]
            : instance.App.Command;
        return new ChildSpec(command, instance.App.Directory, plan.EnvironmentOf(instance));
    }

    /// <summary><c>dotnet run</c>, perhaps with arguments for the program after <c>--</c>; with other options it is started as it is.</summary>
    private static bool IsDotnetRun(IReadOnlyList<string> command) => command is ["dotnet", "run"] or ["dotnet", "run", "--", ..];
}
