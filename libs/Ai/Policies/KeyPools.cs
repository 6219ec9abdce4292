using System.Collections.Concurrent;
using Ai.Catalogue;
using Ai.Providers;

namespace Ai.Policies;

/// <summary>The key pools of this process, one for each provider.</summary>
internal sealed class KeyPools(Func<string, ProviderOptions> options, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, KeyPool> _pools = new(StringComparer.OrdinalIgnoreCase);

    public KeyPools(ModelCatalogue catalogue, TimeProvider time)
        : this(provider => catalogue.Providers[provider], time)
    {
    }

    /// <summary>The pool of a provider.</summary>
    public KeyPool Of(string provider) =>
        _pools.GetOrAdd(provider, static (name, made) => new KeyPool(name, made.options(name), made.time), (options, time));
}
