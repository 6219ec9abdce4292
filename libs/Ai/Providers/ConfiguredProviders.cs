using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Ai.Providers;

/// <summary>
/// Completes the configured providers: the kind of each, the embedded one, and those of which only the environment variable with the key is set. Tasks may be
/// written with underscores, because a shell drops environment variables with hyphens.
/// </summary>
internal sealed class ConfiguredProviders(IConfiguration configuration) : IPostConfigureOptions<AiOptions>
{
    public void PostConfigure(string? name, AiOptions options)
    {
        foreach (var (entry, provider) in options.Providers)
        {
            provider.Kind ??= ProviderKinds.All.FirstOrDefault(kind => kind.Equals(entry, StringComparison.OrdinalIgnoreCase)) ?? ProviderKinds.OpenAi;
        }

        foreach (var kind in ProviderKinds.All.Where(kind => kind == ProviderKinds.Local || ProviderKinds.SetVariable(kind, configuration) is not null))
        {
            options.Providers.TryAdd(kind, new ProviderOptions { Kind = kind });
        }

        foreach (var (task, entry) in options.Tasks.Where(task => task.Key.Contains('_', StringComparison.Ordinal)).ToArray())
        {
            options.Tasks.Remove(task);
            options.Tasks.TryAdd(task.Replace('_', '-'), entry);
        }
    }
}
