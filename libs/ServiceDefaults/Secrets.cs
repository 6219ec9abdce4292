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
}
