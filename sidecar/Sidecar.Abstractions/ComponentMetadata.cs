using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Sidecar.Abstractions;

/// <summary>
/// The <c>spec.metadata</c> of a component, or the <c>metadata</c> of a request. Names compare case-insensitively, as
/// Dapr's components do; values are strings.
/// </summary>
public sealed class ComponentMetadata : IReadOnlyCollection<KeyValuePair<string, string>>
{
    /// <summary>No entries.</summary>
    public static readonly ComponentMetadata Empty = new([]);

    private readonly Dictionary<string, string> _values;

    /// <summary>Copies the entries; of two names that differ only in case the last wins.</summary>
    public ComponentMetadata(IEnumerable<KeyValuePair<string, string>> values)
    {
        _values = new(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in values)
        {
            _values[name] = value;
        }
    }

    /// <inheritdoc/>
    public int Count => _values.Count;

    /// <summary>The value, or null when absent.</summary>
    public string? this[string name] => _values.GetValueOrDefault(name);

    /// <summary>Whether the name is present, even with an empty value.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out string? value) => _values.TryGetValue(name, out value);

    /// <summary>The value; throws <see cref="ComponentException"/> naming the field when absent or empty.</summary>
    public string Required(string name) =>
        this[name] is { Length: > 0 } value ? value : throw new ComponentException($"metadata '{name}' is required");

    /// <summary>true/false, yes/no, 1/0, on/off, y/n, t/f in any case (Dapr's truthy words); the default when absent.</summary>
    public bool Bool(string name, bool defaultValue) => this[name]?.Trim().ToLowerInvariant() switch
    {
        null or "" => defaultValue,
        "true" or "yes" or "y" or "t" or "1" or "on" => true,
        "false" or "no" or "n" or "f" or "0" or "off" => false,
        var other => throw new ComponentException($"metadata '{name}' is not a boolean: '{other}'"),
    };

    /// <summary>An integer; the default when absent.</summary>
    public int Int(string name, int defaultValue) => this[name] is not { Length: > 0 } text ? defaultValue
        : int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) ? value
        : throw new ComponentException($"metadata '{name}' is not an integer: '{text}'");

    /// <summary>A Go duration (<c>1h30m</c>, <c>500ms</c>); a bare integer is milliseconds; the default when absent.</summary>
    public TimeSpan Duration(string name, TimeSpan defaultValue) => this[name] is not { Length: > 0 } text ? defaultValue
        : GoDuration.TryParse(text, out var value) ? value
        : throw new ComponentException($"metadata '{name}' is not a duration: '{text}' (examples: 500ms, 5s, 1h30m)");

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
