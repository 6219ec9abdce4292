using System.Text.Json;
using Contracts;
using Dapr.Client;

namespace ServiceDefaults;

/// <summary>Secrets of component <c>secrets</c>.</summary>
public static class Secrets
{
    /// <summary>
    /// The one value of a secret, or null when it is empty or has several entries without one of its own name: a file has that entry, Kubernetes names them
    /// freely. Throws what <see cref="DaprClient"/> throws where the secret is not there.
    /// </summary>
    public static async Task<string?> ReadSecretAsync(this DaprClient dapr, string name, CancellationToken cancellationToken)
    {
        var entries = await dapr.GetSecretAsync(Components.Secrets, name, cancellationToken: cancellationToken);
        var value = entries.GetValueOrDefault(name) ?? (entries.Count == 1 ? entries.Values.Single() : null);
        return value?.Trim() is { Length: > 0 } text ? text : null;
    }

    /// <summary>
    /// The entries of a secret. Stores that keep one text per secret have them in it as a JSON object. Throws what <see cref="DaprClient"/> throws where the secret is
    /// not there.
    /// </summary>
    public static async Task<IReadOnlyDictionary<string, string>> ReadSecretEntriesAsync(this DaprClient dapr, string name, CancellationToken cancellationToken)
    {
        var entries = await dapr.GetSecretAsync(Components.Secrets, name, cancellationToken: cancellationToken);
        return entries.Count == 1 && EntriesOf(entries.Values.Single()) is { } inner ? inner : entries;
    }

    /// <summary>Null for what is no JSON object of texts.</summary>
    private static Dictionary<string, string>? EntriesOf(string text)
    {
        try
        {
            return text.AsSpan().TrimStart() is ['{', ..] ? JsonSerializer.Deserialize<Dictionary<string, string>>(text) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
