using Sidecar.Abstractions;

namespace Sidecar.Runtime.Loading;

/// <summary>The order in which the components of an app start: secret stores before what refers to them, also when that is a secret store.</summary>
internal static class StartOrder
{
    /// <summary>Secret stores first, otherwise the given order. Throws <see cref="ComponentException"/> when secret stores need each other.</summary>
    public static IReadOnlyList<ComponentManifest> Of(IReadOnlyList<ComponentManifest> manifests)
    {
        var ordered = new List<ComponentManifest>(manifests.Count);
        foreach (var manifest in manifests.OrderBy(manifest => manifest.Type.StartsWith("secretstores.", StringComparison.Ordinal) ? 0 : 1))
        {
            Add(manifest, []);
        }

        return ordered;

        void Add(ComponentManifest manifest, IReadOnlyList<ComponentManifest> path)
        {
            if (ordered.Contains(manifest))
            {
                return;
            }

            if (path.Contains(manifest))
            {
                var circle = path.SkipWhile(other => other != manifest).Append(manifest).Select(other => other.Name);
                throw new ComponentException(
                    $"component '{manifest.Name}' ({manifest.Type}, {manifest.Source}): secret stores take their secrets from each other: "
                    + $"{string.Join(" -> ", circle)}; write one of the values into its file, or take it from the environment with envRef");
            }

            if (manifest.Metadata.Any(entry => entry.SecretName is not null) && manifests.FirstOrDefault(other => other.Name == manifest.SecretStore) is { } store)
            {
                Add(store, [.. path, manifest]);
            }

            ordered.Add(manifest);
        }
    }
}
