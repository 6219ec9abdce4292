using System.Diagnostics;
using System.Text.Json;
using Launcher.Data;
using Launcher.Run;
using Launcher.Templates;
using Sidecar.Abstractions;

namespace Launcher.Commands;

/// <summary>
/// <c>daprw components</c>: what the component files of a template hold and which apps see it. Mistakes are printed as a start would print
/// them, and the exit code is 1.
/// </summary>
internal static class ComponentsCommand
{
    public static async Task<int> ExecuteAsync(string file, string set, DataDirectory data, bool elsewhere, bool json, CancellationToken cancellationToken)
    {
        var template = TemplateReader.Read(file, set);
        data.Create();
        data.CreateSecrets();
        var report = await CheckAsync(template, data, elsewhere, cancellationToken);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(report, SidecarRun.JsonOptions));
        }
        else
        {
            Print(template, report);
        }

        return report.Problems.Count == 0 ? 0 : 1;
    }

    private static void Print(RunTemplate template, ComponentReport report)
    {
        List<string[]> rows = [["name", "type", "apps", "file"]];
        rows.AddRange(report.Components.Select(component => (string[])
        [
            component.Name,
            component.Type,
            component.Apps.Count == 0 ? "none of this template" : component.Apps.Count == template.Apps.Count ? "all" : string.Join(", ", component.Apps),
            Path.GetRelativePath(Directory.GetCurrentDirectory(), component.File),
        ]));
        foreach (var line in ReadyTable.Layout(rows))
        {
            Console.WriteLine(line);
        }

        foreach (var problem in report.Problems)
        {
            Console.Error.WriteLine($"daprw: {problem}");
        }
    }

    /// <summary>The sidecar knows its component types, so it is asked.</summary>
    private static async Task<ComponentReport> CheckAsync(RunTemplate template, DataDirectory data, bool elsewhere, CancellationToken cancellationToken)
    {
        var folders = new ComponentFolders(data, elsewhere, copies: "checked-components");
        var run = new SidecarRun
        {
            DataDirectory = data.Root,
            BaseDirectory = template.BaseDirectory,
            Instances =
            [
                .. template.Apps.Select(app => new SidecarInstance
                {
                    AppId = app.AppId,
                    HttpPort = 0,
                    GrpcPort = 0,
                    ResourcesPaths = folders.Resolve(app.ResourcesPaths),
                    ConfigFilePath = app.ConfigFilePath,
                }),
            ],
        };
        var file = Path.Combine(data.Run, "check.json");
        PrivateFile.Write(file, JsonSerializer.SerializeToUtf8Bytes(run, SidecarRun.JsonOptions));
        var host = await Builder.ProgramAsync(data, Repository.SidecarProject, cancellationToken);
        using var process = Process.Start(new ProcessStartInfo("dotnet", [host, "--check", file]) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<ComponentReport>(output, SidecarRun.JsonOptions)!
            : throw new LauncherException($"the check ended with code {process.ExitCode}; its words are above");
    }
}
