using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Architecture.Tests;

/// <summary>The metadata of one component type and version: the names there are, and what must be there.</summary>
/// <param name="Known">All names.</param>
/// <param name="Required">Each entry has names of which one at least must be given: authentication has more than one way.</param>
internal sealed partial record MetadataTable(IReadOnlySet<string> Known, IReadOnlyList<string[]> Required)
{
    /// <summary>Values that are secrets by their name.</summary>
    private static readonly string[] Secrets =
    [
        "redisPassword", "sentinelPassword", "clientKey", "accessKey", "secretKey", "sessionToken", "awsAccessKey", "awsSecretKey", "privateKey", "private_key",
        "privateKeyID", "private_key_id", "accountKey", "azureClientSecret", "azureCertificate", "azureCertificatePassword", "password", "securityToken",
    ];

    /// <summary>What is wrong with a component, a sentence each. <paramref name="set"/> are the components beside it.</summary>
    public static IEnumerable<string> Problems(JsonObject component, IReadOnlyList<JsonObject> set)
    {
        var name = component.TextAt("metadata", "name");
        var type = $"{component.TextAt("spec", "type")}/{component.TextAt("spec", "version")}";
        var entries = component.ListAt("spec", "metadata");
        if (!KnownMetadata.Tables.TryGetValue(type, out var table))
        {
            return [$"{name}: add the metadata of {type} to KnownMetadata"];
        }

        var given = entries.Select(entry => entry.TextAt("name")!).ToArray();
        return
        [
            .. given.Where(field => !table.Known.Contains(field)).Select(field => $"{name}: {type} has no metadata '{field}'"),
            .. given.GroupBy(field => field).Where(same => same.Count() > 1).Select(same => $"{name}: '{same.Key}' is given twice"),
            .. table.Required.Where(choices => !choices.Any(given.Contains)).Select(choices => $"{name}: {type} needs metadata '{string.Join("' or '", choices)}'"),
            .. entries.SelectMany(entry => ProblemsOf(entry, component, set)).Select(problem => $"{name}: {problem}"),
        ];
    }

    private static IEnumerable<string> ProblemsOf(JsonNode entry, JsonObject component, IReadOnlyList<JsonObject> set)
    {
        var field = entry.TextAt("name")!;
        var sources = new[] { "value", "secretKeyRef", "envRef" }.Where(source => entry.At(source) is not null).ToArray();
        if (sources.Length != 1)
        {
            yield return $"'{field}' has one of value, secretKeyRef and envRef";
        }
        else if (sources[0] == "value" && (Secrets.Contains(field) || Password().IsMatch(entry.TextAt("value")!)))
        {
            yield return $"'{field}' holds a secret: give it by secretKeyRef";
        }
        else if (sources[0] == "value" && entry.At("value")!.GetValueKind() != JsonValueKind.String)
        {
            yield return $"'{field}' is a text: put its value in quotes";
        }
        else if (sources[0] == "secretKeyRef" && StoreProblem(component, set) is { } problem)
        {
            yield return $"'{field}': {problem}";
        }
    }

    /// <summary>A reference is resolved by the sidecar of each app that sees the component, so that app must see the store as well; Kubernetes has one of its own.</summary>
    private static string? StoreProblem(JsonObject component, IReadOnlyList<JsonObject> set)
    {
        var name = component.TextAt("auth", "secretStore");
        if (name is null or "kubernetes")
        {
            return name is null ? "secretKeyRef needs auth.secretStore" : null;
        }

        var store = set.FirstOrDefault(other => other.TextAt("metadata", "name") == name && other.TextAt("spec", "type")!.StartsWith("secretstores.", StringComparison.Ordinal));
        var blind = Scopes(component).Except(store is null ? [] : Scopes(store)).ToArray();
        return store is null ? $"the set has no secret store '{name}'"
            : Scopes(store).Length > 0 && blind.Length > 0 ? $"the secret store '{name}' is not in scope of {string.Join(", ", blind)}"
            : null;
    }

    private static string[] Scopes(JsonObject component) => [.. component.ListAt("scopes").Select(scope => (string)scope!)];

    [GeneratedRegex(@"(?i)\b(password|pwd|accountkey|sharedaccesskey)\s*=|://[^/@\s]*:[^/@\s]+@|-----BEGIN")]
    private static partial Regex Password();
}
