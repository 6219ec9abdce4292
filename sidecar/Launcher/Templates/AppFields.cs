namespace Launcher.Templates;

/// <summary>The fields of an app over those of common. As in the dapr CLI a common value applies when the app's is empty, 0 or false.</summary>
internal sealed class AppFields(TemplateSection common, TemplateSection app)
{
    public TemplateSection App => app;

    public TemplateSection Common => common;

    public string? Text(string name) => app.Text(name) ?? common.Text(name);

    public int? Number(string name) => app.Number(name) is { } own and not 0 ? own : common.Number(name);

    public int Positive(string name, int standard) => Number(name) is { } value and > 0 ? value : standard;

    public long? Bytes(string name) => app.Bytes(name) is { } own and not 0 ? own : common.Bytes(name);

    public bool Flag(string name) => app.Flag(name) is true || common.Flag(name) is true;

    public IReadOnlyDictionary<string, string> Map(string name)
    {
        var merged = new Dictionary<string, string>(common.Map(name));
        foreach (var (key, value) in app.Map(name))
        {
            merged[key] = value;
        }

        return merged;
    }

    /// <summary>One of the values, or null when the field is not given; anything else is an error.</summary>
    public string? OneOf(string name, params string[] values) => OneOf(app, name, values) ?? OneOf(common, name, values);

    private static string? OneOf(TemplateSection section, string name, string[] values) => section.Text(name) switch
    {
        null => null,
        var value when values.Contains(value) => value,
        _ => throw section.Error(
            section[name]!, values.Length == 1 ? $"'{name}' can only be {values[0]} here" : $"'{name}' must be one of {string.Join(", ", values)}"),
    };
}
