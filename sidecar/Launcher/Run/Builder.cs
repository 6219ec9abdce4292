using System.Diagnostics;
using System.Xml.Linq;
using Launcher.Data;

namespace Launcher.Run;

/// <summary>Builds all projects of a run in one go and says where their assemblies are.</summary>
/// <param name="data">Of the run; holds the files of the build.</param>
/// <param name="configuration">Debug or Release.</param>
/// <param name="name">Of the build's files; what a verb needs beside a run does not touch those of the run.</param>
internal sealed class Builder(DataDirectory data, string configuration, string name = "build")
{
    private string Project => Path.Combine(data.Run, $"{name}.proj");
    private string Assemblies => Path.Combine(data.Run, $"{name}.assemblies.txt");
    private string Output => Path.Combine(data.Run, $"{name}.log");

    /// <summary>The only project file in the folder.</summary>
    public static string ProjectIn(string folder) => Directory.GetFiles(folder, "*.csproj") switch
    {
        [var one] => one,
        [] => throw new LauncherException($"{folder} has no project (*.csproj) for 'dotnet run'"),
        _ => throw new LauncherException($"{folder} has several projects; give each app its own folder"),
    };

    /// <summary>A program of this repository that a verb needs: what is there, else a new build.</summary>
    public static async Task<string> ProgramAsync(DataDirectory data, string project, CancellationToken cancellationToken)
    {
        foreach (var builder in (Builder[])[new(data, "Debug"), new(data, "Release")])
        {
            try
            {
                return (await builder.BuildAsync([project], build: false, cancellationToken))[project];
            }
            catch (LauncherException)
            {
                // Not built so far.
            }
        }

        return (await new Builder(data, "Debug", Path.GetFileNameWithoutExtension(project)).BuildAsync([project], build: true, cancellationToken))[project];
    }

    /// <summary>Assembly by project.</summary>
    public async Task<IReadOnlyDictionary<string, string>> BuildAsync(IReadOnlyList<string> projects, bool build, CancellationToken cancellationToken)
    {
        if (build)
        {
            // A build that fails half way must not leave the list of another one.
            File.Delete(Assemblies);
            Write(projects);
            await RunAsync(cancellationToken);
        }

        return Find(projects);
    }

    /// <summary>
    /// One restore for all projects (parallel ones would write the same files), then all builds in parallel; the paths of the assemblies come
    /// from the build itself, so projects may put them where they like. Debug is the default: it is what an IDE and the tests build, so most of it
    /// is there already, and it starts as fast as Release.
    /// </summary>
    private void Write(IReadOnlyList<string> projects)
    {
        var paths = projects.Select(Escape).ToList();
        new XElement(
            "Project",
            new XAttribute("DefaultTargets", "Build"),
            new XElement("PropertyGroup", new XElement("RestoreGraphProjectInput", string.Join(';', paths))),
            new XElement("ItemGroup", paths.Select(path => new XElement("App", new XAttribute("Include", path)))),
            new XElement("Import", new XAttribute("Project", "$(MSBuildToolsPath)/NuGet.targets")),
            new XElement(
                "Target",
                new XAttribute("Name", "Build"),
                new XElement(
                    "MSBuild",
                    new XAttribute("Projects", "@(App)"),
                    new XAttribute("Targets", "Build"),
                    new XAttribute("BuildInParallel", "true"),
                    new XAttribute("Properties", $"Configuration={configuration}"),
                    new XElement("Output", new XAttribute("TaskParameter", "TargetOutputs"), new XAttribute("ItemName", "Assembly"))),
                new XElement(
                    "WriteLinesToFile",
                    new XAttribute("File", Escape(Assemblies)),
                    new XAttribute("Lines", "@(Assembly->'%(MSBuildSourceProjectFile)|%(FullPath)')"),
                    new XAttribute("Overwrite", "true")))).Save(Project);
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        // Output goes to a file: compiler servers outlive the build and would keep a pipe open.
        var start = new ProcessStartInfo("/bin/sh",
        [
            "-c", """log=$1; shift; exec "$@" >"$log" 2>&1 </dev/null""", "sh", Output,
            "dotnet", "build", Project, "-nologo", "-v:q", "-tl:off", "-clp:ErrorsOnly;NoSummary", "-nodeReuse:false",
        ])
        { WorkingDirectory = data.Run };
        using var process = Process.Start(start)!;
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        if (process.ExitCode != 0)
        {
            var errors = File.ReadLines(Output).Where(line => line.Length > 0).Distinct();
            throw new LauncherException(string.Join('\n', errors.Append("the build failed: mend the errors above and run again")));
        }
    }

    private Dictionary<string, string> Find(IReadOnlyList<string> projects)
    {
        var known = File.Exists(Assemblies)
            ? File.ReadLines(Assemblies).Select(line => line.Split('|')).ToLookup(parts => parts[0], parts => parts[1])
            : Enumerable.Empty<string[]>().ToLookup(parts => parts[0], parts => parts[1]);
        var found = new Dictionary<string, string>();
        foreach (var project in projects)
        {
            var file = Path.GetFileNameWithoutExtension(project);
            var assembly = known[project].FirstOrDefault() ?? Path.Combine(Repository.Root, "artifacts", "bin", file, configuration.ToLowerInvariant(), file + ".dll");
            found[project] = File.Exists(assembly) ? assembly : throw new LauncherException($"{assembly} does not exist: run once without --no-build");
        }

        return found;
    }

    /// <summary>MSBuild reads these characters as syntax.</summary>
    private static string Escape(string path) => path
        .Replace("%", "%25", StringComparison.Ordinal).Replace(";", "%3B", StringComparison.Ordinal).Replace("$", "%24", StringComparison.Ordinal)
        .Replace("@", "%40", StringComparison.Ordinal).Replace("*", "%2A", StringComparison.Ordinal).Replace("?", "%3F", StringComparison.Ordinal)
        .Replace("'", "%27", StringComparison.Ordinal).Replace("(", "%28", StringComparison.Ordinal).Replace(")", "%29", StringComparison.Ordinal);
}
