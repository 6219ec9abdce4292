using System.Globalization;
using Sidecar.Abstractions;
using YamlDotNet.RepresentationModel;

namespace Launcher.Templates;

/// <summary>A mapping of the template with typed access; errors name file, line and field.</summary>
internal sealed class TemplateSection
{
    private readonly string? _file;
    private readonly Dictionary<string, YamlNode> _values = [];

    /// <param name="file">Null: the fields are those of a command line.</param>
    /// <param name="node">The mapping.</param>
    /// <param name="known">Names of its fields.</param>
    public TemplateSection(string? file, YamlNode node, IReadOnlySet<string> known)
    {
        _file = file;
        if (node is not YamlMappingNode mapping)
        {
            throw Error(node, "expected fields with values");
        }

        foreach (var (key, value) in mapping.Children)
        {
            var name = ((YamlScalarNode)key).Value ?? "";
            if (!known.Contains(name))
            {
                throw Error(key, $"unknown field '{name}'{Nearest.Hint(name, known)}");
            }

            _values[name] = value;
        }

        Node = node;
    }

    public YamlNode Node { get; }

    public YamlNode? this[string name] => _values.GetValueOrDefault(name);

    public string? Text(string name) => this[name] switch
    {
        null => null,
        YamlScalarNode { Value: { Length: > 0 } value } => value,
        YamlScalarNode => null,
        var other => throw Error(other, $"'{name}' must be a text"),
    };

    public int? Number(string name) => Text(name) is not { } text ? null
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
        : throw Error(this[name]!, $"'{name}' must be a whole number");

    /// <summary>A port; 0 and −1 mean "not given", as in the dapr CLI.</summary>
    public int? Port(string name) => Number(name) switch
    {
        null or 0 or -1 => null,
        > 0 and <= 65535 and var port => port,
        _ => throw Error(this[name]!, $"'{name}' must be a port between 1 and 65535"),
    };

    public bool? Flag(string name) => Text(name) switch
    {
        null => null,
        "true" => true,
        "false" => false,
        _ => throw Error(this[name]!, $"'{name}' must be true or false"),
    };

    public IReadOnlyList<string>? Texts(string name) => this[name] switch
    {
        null => null,
        YamlSequenceNode list => [.. list.Children.Select(child => (child as YamlScalarNode)?.Value ?? throw Error(child, $"'{name}' must be a list of texts"))],
        var other => throw Error(other, $"'{name}' must be a list of texts"),
    };

    public IReadOnlyDictionary<string, string> Map(string name) => this[name] switch
    {
        null => new Dictionary<string, string>(),
        YamlMappingNode map => map.Children.ToDictionary(
            entry => ((YamlScalarNode)entry.Key).Value ?? "",
            entry => (entry.Value as YamlScalarNode)?.Value ?? throw Error(entry.Value, $"'{name}' must hold texts")),
        var other => throw Error(other, $"'{name}' must be fields with texts"),
    };

    /// <summary>Bytes: a number, optionally with Ki, Mi, Gi, K, M or G.</summary>
    public long? Bytes(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        var digits = text.TrimEnd('K', 'M', 'G', 'i', 'B');
        long factor = text[digits.Length..].TrimEnd('B') switch
        {
            "" => 1,
            "Ki" => 1024,
            "Mi" => 1024 * 1024,
            "Gi" => 1024 * 1024 * 1024,
            "K" => 1000,
            "M" => 1_000_000,
            "G" => 1_000_000_000,
            _ => 0,
        };
        return factor != 0 && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number * factor
            : throw Error(this[name]!, $"'{name}' must be a size such as 4Mi");
    }

    public LauncherException Error(YamlNode node, string problem) =>
        new(_file is null ? $"{problem}; see './daprw run --help'" : $"{_file}:{node.Start.Line}: {problem}");
}
