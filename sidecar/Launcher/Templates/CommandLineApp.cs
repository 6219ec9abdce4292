using YamlDotNet.RepresentationModel;

namespace Launcher.Templates;

/// <summary>The one app of <c>daprw run --app-id x … -- command</c>, read as if its flags were the fields of a template.</summary>
internal static class CommandLineApp
{
    /// <param name="fields">Template field → values.</param>
    /// <param name="command">What follows <c>--</c>.</param>
    /// <param name="set">Component set that takes the place of <c>components/redis</c>.</param>
    public static RunTemplate Read(IReadOnlyDictionary<string, IReadOnlyList<string>> fields, IReadOnlyList<string> command, string set)
    {
        var folder = Directory.GetCurrentDirectory();
        var node = new YamlMappingNode();
        foreach (var (name, values) in fields)
        {
            node.Add(name, name is "resourcesPaths" ? List(values) : new YamlScalarNode(values[^1]));
        }

        node.Add("command", List(command));
        var section = new TemplateSection(null, node, TemplateFields.PerApp);
        var app = new AppReader(folder, set).Read(new AppFields(new TemplateSection(null, new YamlMappingNode(), TemplateFields.Shared), section), folder);
        return RunTemplate.Of(folder, [app], [section]);
    }

    private static YamlSequenceNode List(IEnumerable<string> texts) => new(texts.Select(text => new YamlScalarNode(text)));
}
