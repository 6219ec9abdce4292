using Sidecar.Abstractions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Launcher.Templates;

/// <summary>Reads dapr.yaml (dapr/config §6). A field that is unknown or that this launcher cannot honour is an error that names it.</summary>
internal static class TemplateReader
{
    /// <param name="path">The file, or a folder with a dapr.yaml.</param>
    /// <param name="set">Component set that takes the place of <c>components/redis</c>.</param>
    public static RunTemplate Read(string path, string set)
    {
        var file = Path.GetFullPath(Directory.Exists(path) ? Path.Combine(path, "dapr.yaml") : path);
        var folder = Path.GetDirectoryName(file)!;
        var root = new TemplateSection(file, Load(file), TemplateFields.Roots);
        if (root.Text("version") is not "1")
        {
            throw root.Error(root["version"] ?? root.Node, "'version' must be 1");
        }

        var common = new TemplateSection(file, root["common"] ?? new YamlMappingNode(), TemplateFields.Shared);
        if (root["apps"] is not YamlSequenceNode { Children.Count: > 0 } list)
        {
            throw root.Error(root["apps"] ?? root.Node, "'apps' must list at least one app");
        }

        var reader = new AppReader(folder, set);
        var sections = list.Children.Select(node => new TemplateSection(file, node, TemplateFields.PerApp)).ToList();
        var apps = new List<TemplateApp>();
        var sectionOf = new Dictionary<string, TemplateSection>();
        foreach (var section in sections)
        {
            var app = reader.Read(new AppFields(common, section), DirectoryOf(section, folder));
            apps.Add(app);
            if (!sectionOf.TryAdd(app.AppId, section))
            {
                throw section.Error(section.Node, $"app '{app.AppId}' is listed twice: give one of them another appID");
            }
        }

        StartOrder.Check(apps, (id, problem) => sectionOf[id].Error(sectionOf[id]["dependsOn"]!, problem));
        return RunTemplate.Of(folder, apps, sections.Prepend(common)) with { Name = root.Text("name") ?? Path.GetFileName(folder), File = file };
    }

    private static string DirectoryOf(TemplateSection app, string folder)
    {
        var path = app.Text("appDirPath") ?? throw app.Error(app.Node, "'appDirPath' is missing: it names the folder of the app");
        var directory = Path.GetFullPath(AppReader.Home(path), folder);
        return Directory.Exists(directory) ? directory : throw app.Error(app["appDirPath"]!, $"folder {directory} does not exist");
    }

    private static YamlNode Load(string file)
    {
        Parser? parser = null;
        try
        {
            using var reader = File.OpenText(file);
            var stream = new YamlStream();
            parser = new Parser(reader);
            stream.Load(parser);
            return stream.Documents.Count == 1 ? stream.Documents[0].RootNode : throw new LauncherException($"{file}: expected one YAML document");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new LauncherException($"{file} does not exist: give the run template with -f, or an app with --app-id and its command after --");
        }
        catch (YamlException exception)
        {
            throw new LauncherException($"{file}:{exception.Start.Line}: {exception.Message.ReplaceLineEndings(" ")}");
        }
        catch (InvalidOperationException)
        {
            // The scanner's way to say that a bracket or a quote is left open.
            throw new LauncherException($"{file}:{parser?.Current?.End.Line ?? 1}: what begins here is no YAML: look for an open bracket or quote");
        }
    }
}
