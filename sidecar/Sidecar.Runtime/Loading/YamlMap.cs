using System.Globalization;

namespace Sidecar.Runtime.Loading;

/// <summary>A YAML mapping whose scalars are texts; missing members read as empty.</summary>
public readonly struct YamlMap(IEnumerable<KeyValuePair<object, object?>>? entries)
{
    private readonly Dictionary<string, object?> _values =
        (entries ?? []).ToDictionary(entry => entry.Key.ToString()!, entry => entry.Value, StringComparer.Ordinal);

    /// <summary>The members as nested maps and lists.</summary>
    public IReadOnlyDictionary<string, object?> Values => _values ?? [];

    /// <summary>A scalar, or null.</summary>
    public string? Text(string name) => Values.GetValueOrDefault(name) as string;

    /// <summary>An integer, or the default.</summary>
    public int Int(string name, int defaultValue) =>
        int.TryParse(Text(name), NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) ? value : defaultValue;

    /// <summary>A nested mapping, empty when missing.</summary>
    public YamlMap Map(string name) => new(Values.GetValueOrDefault(name) as Dictionary<object, object?>);

    /// <summary>A list of mappings.</summary>
    public IEnumerable<YamlMap> Maps(string name) =>
        Values.GetValueOrDefault(name) is List<object?> list ? list.OfType<Dictionary<object, object?>>().Select(item => new YamlMap(item)) : [];

    /// <summary>A list of scalars.</summary>
    public IReadOnlyList<string> Texts(string name) =>
        Values.GetValueOrDefault(name) is List<object?> list ? [.. list.OfType<string>()] : [];

    /// <summary>The scalar members.</summary>
    public IReadOnlyDictionary<string, string> Texts() =>
        Values.Where(entry => entry.Value is string).ToDictionary(entry => entry.Key, entry => (string)entry.Value!);
}
