using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;

namespace Ai.Catalogue;

/// <summary>
/// The policy of each model's calls: <c>Ai:Calls</c>, with what <c>Ai:Providers:{name}:Calls</c> and then <c>Ai:Models:{id}:Calls</c> say otherwise. The
/// sections are bound one over the other, so that each names only what it changes.
/// </summary>
internal sealed class CallPolicies(AiOptions options, IConfiguration configuration)
{
    private readonly ConcurrentDictionary<string, ModelCallOptions> _policies = new(StringComparer.OrdinalIgnoreCase);

    public ModelCallOptions Of(ModelInfo model) =>
        _policies.TryGetValue(model.Id, out var policy) ? policy : _policies.GetOrAdd(model.Id, _ => Bind(SectionsOf(model)));

    /// <summary>The sections that change something, each with the policy as far as it; to check at the start.</summary>
    public IEnumerable<(string Section, ModelCallOptions Policy)> Changes()
    {
        var providers = options.Providers.Keys.Select(name => $"{AiOptions.Section}:Providers:{name}:Calls");
        var models = options.Models.Keys.Select(key => $"{AiOptions.Section}:Models:{key}:Calls");
        return providers.Concat(models).Where(section => configuration.GetSection(section).Exists()).Select(section => (section, Bind([section])));
    }

    private IEnumerable<string> SectionsOf(ModelInfo model)
    {
        yield return $"{AiOptions.Section}:Providers:{model.Provider}:Calls";
        foreach (var (key, entry) in options.Models)
        {
            if (model.Id.Equals(entry.Id ?? key, StringComparison.OrdinalIgnoreCase))
            {
                yield return $"{AiOptions.Section}:Models:{key}:Calls";
            }
        }
    }

    private ModelCallOptions Bind(IEnumerable<string> sections)
    {
        var policy = options.Calls.Copy();
        foreach (var section in sections)
        {
            configuration.GetSection(section).Bind(policy);
        }

        return policy;
    }
}
