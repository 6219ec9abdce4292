using System.Text.Json;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard;

/// <summary>
/// <c>secretstores.local.file</c>: a JSON file. Nested objects and arrays are flattened with <c>nestedSeparator</c> (<c>a:b:0</c>), or with
/// <c>multiValued</c> the first level keeps its members as sub-keys and has texts and objects alone. A number, a truth value or null is its JSON text. The
/// file is read at every call: it is small and may change.
/// </summary>
internal sealed class LocalFileSecretStore(ComponentContext context) : ISecretStore
{
    private string _path = "";
    private string _separator = ":";

    public bool MultipleValuesPerSecret { get; private set; }

    public Task InitAsync(CancellationToken cancellationToken)
    {
        _path = Path.GetFullPath(Path.Combine(context.BaseDirectory, context.Metadata.Required("secretsFile")));
        _separator = context.Metadata["nestedSeparator"] is { Length: > 0 } separator ? separator : ":";
        MultipleValuesPerSecret = context.Metadata.Bool("multiValued", false);
        Read();
        return Task.CompletedTask;
    }

    public ValueTask<IReadOnlyDictionary<string, string>?> GetAsync(string name, ComponentMetadata metadata, CancellationToken cancellationToken) =>
        new(Read().GetValueOrDefault(name));

    public ValueTask<IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>> GetAllAsync(
        ComponentMetadata metadata, CancellationToken cancellationToken) => new(Read());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Dictionary<string, IReadOnlyDictionary<string, string>> Read()
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(_path));
            var secrets = new Dictionary<string, IReadOnlyDictionary<string, string>>();
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (MultipleValuesPerSecret && member.Value.ValueKind is not (JsonValueKind.String or JsonValueKind.Object))
                {
                    continue;
                }

                var values = new Dictionary<string, string>();
                Flatten(member.Value, MultipleValuesPerSecret && member.Value.ValueKind == JsonValueKind.Object ? "" : member.Name, values);
                if (MultipleValuesPerSecret)
                {
                    secrets[member.Name] = values;
                    continue;
                }

                foreach (var (name, value) in values)
                {
                    secrets[name] = new Dictionary<string, string> { [name] = value };
                }
            }

            return secrets;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            throw new ComponentException($"the secrets file {_path} cannot be read: {exception.Message}", exception);
        }
    }

    private void Flatten(JsonElement element, string path, Dictionary<string, string> values)
    {
        string Join(string name) => path.Length == 0 ? name : path + _separator + name;
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    Flatten(member.Value, Join(member.Name), values);
                }

                break;
            case JsonValueKind.Array:
                foreach (var (index, item) in element.EnumerateArray().Index())
                {
                    Flatten(item, Join(index.ToString(System.Globalization.CultureInfo.InvariantCulture)), values);
                }

                break;
            case JsonValueKind.String:
                values[path] = element.GetString()!;
                break;
            default:
                values[path] = element.GetRawText();
                break;
        }
    }
}

/// <summary>
/// <c>secretstores.local.env</c>: environment variables of the sidecar, optionally those with a <c>prefix</c>. <c>DAPR_*</c> and
/// <c>APP_API_TOKEN</c> are hidden; an unknown name is an empty value, as in Dapr.
/// </summary>
internal sealed class LocalEnvSecretStore(ComponentContext context) : ISecretStore
{
    private readonly string _prefix = context.Metadata["prefix"] ?? "";

    public bool MultipleValuesPerSecret => false;

    public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask<IReadOnlyDictionary<string, string>?> GetAsync(string name, ComponentMetadata metadata, CancellationToken cancellationToken) =>
        new(new Dictionary<string, string> { [name] = IsHidden(_prefix + name) ? "" : Environment.GetEnvironmentVariable(_prefix + name) ?? "" });

    public ValueTask<IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>> GetAllAsync(
        ComponentMetadata metadata, CancellationToken cancellationToken)
    {
        var all = new Dictionary<string, IReadOnlyDictionary<string, string>>();
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            var name = (string)entry.Key;
            if (name.StartsWith(_prefix, StringComparison.Ordinal) && !IsHidden(name))
            {
                all[name[_prefix.Length..]] = new Dictionary<string, string> { [name[_prefix.Length..]] = (string?)entry.Value ?? "" };
            }
        }

        return new(all);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static bool IsHidden(string name) =>
        name.StartsWith("DAPR_", StringComparison.OrdinalIgnoreCase) || name.Equals("APP_API_TOKEN", StringComparison.OrdinalIgnoreCase);
}
