using System.Collections.Concurrent;
using Ai.Calls;
using Ai.Local;
using Ai.Providers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Ai.Catalogue;

/// <summary>
/// The models that this app may use: the built-in ones of the configured providers, changed and extended by <c>Ai:Models</c>, and those that the
/// configuration names. It is made once; <see cref="AiOptionsValidator"/> makes it first and says at the start what is wrong with it.
/// </summary>
internal sealed partial class ModelCatalogue
{
    /// <summary>What a model is assumed to do of which only the name is known; what it cannot, its server refuses.</summary>
    public const ModelCapabilities Generic = ModelCapabilities.Chat | ModelCapabilities.Vision | ModelCapabilities.Tools | ModelCapabilities.JsonSchema
        | ModelCapabilities.Streaming | ModelCapabilities.Embeddings;

    /// <summary>Names beyond the list that are remembered; requests that make up names cannot fill the memory.</summary>
    private const int MaxUnlisted = 1000;

    private const int MaxNameLength = 200;

    private readonly AiOptions _options;
    private readonly CallPolicies _policies;
    private readonly Dictionary<string, ModelTask> _tasks;
    private readonly string[] _providers;
    private readonly List<ModelInfo> _listed = [];
    private readonly Dictionary<string, ModelInfo> _byWord = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, ModelInfo> _unlisted = new(StringComparer.OrdinalIgnoreCase);

    public ModelCatalogue(
        IOptions<AiOptions> options, IEnumerable<ModelTask> tasks, IEnumerable<ILocalSkill> skills, IOptions<LocalOptions> local, IConfiguration configuration)
        : this(options.Value, tasks, skills, local.Value, configuration)
    {
    }

    internal ModelCatalogue(
        AiOptions options, IEnumerable<ModelTask> tasks, IEnumerable<ILocalSkill> skills, LocalOptions local, IConfiguration configuration)
    {
        _options = options;
        _policies = new CallPolicies(options, configuration);
        _tasks = tasks.ToDictionary(task => task.Name, StringComparer.OrdinalIgnoreCase);
        Providers = options.Providers.AsReadOnly();
        _providers = [.. options.Providers
            .OrderBy(entry => ProviderKinds.All.ToList().IndexOf(entry.Value.Kind!))
            .ThenBy(entry => entry.Key.Equals(entry.Value.Kind, StringComparison.OrdinalIgnoreCase) ? 0 : 1)
            .ThenBy(entry => entry.Key, StringComparer.OrdinalIgnoreCase)
            .Select(entry => entry.Key)];
        foreach (var provider in _providers)
        {
            // What the embedded model can do depends on what the app has taught it.
            _listed.AddRange(provider != ProviderKinds.Local ? BuiltIn(provider) : BuiltIn(provider).Select(model => model with
            {
                Capabilities = LocalProvider.CapabilitiesWith(skills),
                MaxReferenceImages = local.MaxReferencePictures,
            }));
        }

        foreach (var (key, entry) in options.Models)
        {
            Apply(entry.Id ?? key, entry);
        }

        Index();
        // What the configuration names, requests may name too.
        foreach (var named in options.NamedModels().Select(named => named.Model).Distinct(StringComparer.OrdinalIgnoreCase))
        {
            if (!_byWord.ContainsKey(named) && Resolve(named) is { } model)
            {
                _listed.Add(model);
            }
        }

        var usual = (options.Model is { Length: > 0 } given ? Resolve(given) : null)
            ?? _listed.First(model => ProviderKinds.IsConfigured(options.Providers[model.Provider], configuration));
        _listed.Remove(usual);
        _listed.Insert(0, usual);
        Index();
    }

    /// <summary>The providers by name.</summary>
    public IReadOnlyDictionary<string, ProviderOptions> Providers { get; }

    /// <summary>The models that are listed, the default first.</summary>
    public IReadOnlyList<ModelInfo> All => _listed;

    /// <summary>The model that a word names; see <see cref="IModels.Find"/>.</summary>
    public ModelInfo Find(string? model, ModelCapabilities needs)
    {
        var found = string.IsNullOrEmpty(model) ? All[0] : Resolve(model) ?? throw new ModelException(ModelFailure.UnsupportedModel, Unsupported(model));
        Check(found, needs);
        return found;
    }

    /// <summary>Whether a model can do something; throws <see cref="ModelFailure.CapabilityMissing"/> with those that can.</summary>
    public void Check(ModelInfo model, ModelCapabilities needs)
    {
        if (model.Lacks(needs) is not 0 and var missing)
        {
            throw new ModelException(ModelFailure.CapabilityMissing, $"{model.Id} cannot do {missing}; {Capable(needs)}");
        }
    }

    /// <summary>As <see cref="Check(ModelInfo, ModelCapabilities)"/>, for all that a call asks of its model.</summary>
    public void Check(ModelInfo model, ModelCall call)
    {
        Check(model, call.Needs);
        if (call is ImageCall { Request.OriginalImages: { } references } && model.MaxReferenceImages > 0
            && references.Count() is var count && count > model.MaxReferenceImages)
        {
            var able = All.Where(other => other.MaxReferenceImages >= count).Select(other => other.Id).ToArray();
            throw new ModelException(
                ModelFailure.CapabilityMissing,
                $"{model.Id} takes {model.MaxReferenceImages} reference pictures, not {count}; {(able.Length > 0 ? $"as many take: {string.Join(", ", able)}" : "no model takes as many")}");
        }
    }

    /// <summary>The policy of a model's calls.</summary>
    public ModelCallOptions PolicyOf(ModelInfo model) => _policies.Of(model);

    /// <summary>The model that a word names: id, name, alias, <c>provider/name</c> of a server of one's own, beginning of a family; null when none.</summary>
    internal ModelInfo? Resolve(string word)
    {
        if (_byWord.TryGetValue(word, out var listed) || _unlisted.TryGetValue(word, out listed))
        {
            return listed;
        }

        if (Unlisted(word) is not { } model)
        {
            return null;
        }

        return _unlisted.Count < MaxUnlisted ? _unlisted.GetOrAdd(word, model) : null;
    }

    /// <summary>A sentence on a word that names no model.</summary>
    internal string Unsupported(string word)
    {
        var shown = new string([.. word.Where(letter => !char.IsControl(letter)).Take(100)]);
        var needed = BuiltInModels.Value.FamilyOf(word)?.Kinds[0];
        return needed is not null && !Providers.Values.Any(provider => provider.Kind == needed)
            ? $"model '{shown}' is not supported, because provider {needed} is not configured; supported: {Ids(All)}"
            : $"model '{shown}' is not supported; supported: {Ids(All)}";
    }

    /// <summary>Which models can do something, for an error.</summary>
    internal string Capable(ModelCapabilities needs) =>
        All.Where(model => model.Can(needs)).ToArray() is { Length: > 0 } able ? $"these can: {Ids(able)}" : "no configured model can";

    private static string Ids(IEnumerable<ModelInfo> models) => string.Join(", ", models.Select(model => model.Id));

    private static string IdOf(string provider, string name) => provider == ProviderKinds.Local && name == ProviderKinds.Local ? name : $"{provider}/{name}";

    /// <summary>The built-in models of a provider. A server of one's own under a name of one's own has other ones.</summary>
    private IEnumerable<ModelInfo> BuiltIn(string provider)
    {
        var options = Providers[provider];
        if (options.BaseUrl is not null && !provider.Equals(options.Kind, StringComparison.OrdinalIgnoreCase))
        {
            return [];
        }

        return BuiltInModels.Value.Models.Where(model => model.Kinds.Contains(options.Kind)).Select(model => new ModelInfo
        {
            Id = IdOf(provider, model.Name),
            Provider = provider,
            Name = model.Name,
            DisplayName = model.DisplayName,
            Aliases = model.Aliases ?? [],
            ContextTokens = model.ContextTokens,
            OutputTokens = model.OutputTokens,
            MaxReferenceImages = model.MaxReferenceImages,
            Capabilities = model.Capabilities,
            Price = model.Price ?? new ModelPrice(),
        });
    }

    /// <summary>Changes a listed model or adds one. What is wrong with the entry, <see cref="AiOptionsValidator"/> says.</summary>
    private void Apply(string id, ModelOptions entry)
    {
        var known = _listed.FindIndex(model => model.Id.Equals(id, StringComparison.OrdinalIgnoreCase));
        if ((known >= 0 ? _listed[known] : Named(id)) is not { } model)
        {
            return;
        }

        var asked = entry is { InputPerMillion: null, OutputPerMillion: null, CachedInputPerMillion: null, PerImage: null };
        var changed = model with
        {
            Name = entry.Name ?? model.Name,
            DisplayName = entry.DisplayName ?? model.DisplayName,
            ContextTokens = entry.ContextTokens ?? model.ContextTokens,
            OutputTokens = entry.OutputTokens ?? model.OutputTokens,
            MaxReferenceImages = entry.MaxReferenceImages ?? model.MaxReferenceImages,
            Capabilities = entry.Capabilities ?? model.Capabilities,
            Price = asked ? model.Price : new ModelPrice(
                entry.InputPerMillion ?? model.Price.InputPerMillion, entry.OutputPerMillion ?? model.Price.OutputPerMillion,
                entry.CachedInputPerMillion ?? model.Price.CachedInputPerMillion, entry.PerImage ?? model.Price.PerImage),
        };
        if (known >= 0)
        {
            _listed[known] = changed;
        }
        else
        {
            _listed.Add(changed);
        }
    }

    /// <summary>A model <c>provider/name</c> of a configured provider, whether the provider has it or not.</summary>
    private ModelInfo? Named(string id)
    {
        var (provider, name) = Split(id);
        return provider is null ? null : Make(provider, name, BuiltInModels.Value.FamilyOf(name));
    }

    private ModelInfo? Unlisted(string word)
    {
        if (word.Length > MaxNameLength || word.Any(letter => char.IsControl(letter) || char.IsWhiteSpace(letter)))
        {
            return null;
        }

        var canonical = Canonical(word);
        if (_byWord.TryGetValue(canonical, out var listed))
        {
            return listed;
        }

        var (provider, name) = Split(canonical);
        var family = BuiltInModels.Value.FamilyOf(name);
        if (provider is not null)
        {
            var options = Providers[provider];
            return family?.Kinds.Contains(options.Kind) == true || (options is { Kind: ProviderKinds.OpenAi, BaseUrl: not null } && name.Length > 0)
                ? Make(provider, name, family)
                : null;
        }

        var owner = family is null ? null : _providers.FirstOrDefault(candidate => family.Kinds.Contains(Providers[candidate].Kind));
        return owner is null ? null
            // The beginning alone means the usual model of its provider.
            : name.Equals(family!.Prefix, StringComparison.OrdinalIgnoreCase) ? _listed.FirstOrDefault(model => model.Provider == owner && model.Can(family.Capabilities))
            : Make(owner, name, family);
    }

    private ModelInfo Make(string provider, string name, ModelFamily? family) => new()
    {
        Id = IdOf(provider, name),
        Provider = provider,
        Name = name,
        Capabilities = family?.Capabilities ?? Generic,
        MaxReferenceImages = family?.MaxReferenceImages ?? 0,
    };

    /// <summary>Google's models go by the company's name too.</summary>
    private string Canonical(string word)
    {
        const string Company = "google/";
        if (!word.StartsWith(Company, StringComparison.OrdinalIgnoreCase) || Providers.ContainsKey("google"))
        {
            return word;
        }

        return _providers.FirstOrDefault(provider => Providers[provider].Kind is ProviderKinds.Gemini or ProviderKinds.Vertex) is { } owner
            ? $"{owner}/{word[Company.Length..]}"
            : word;
    }

    /// <summary>The configured provider before the first slash, and the rest; no provider and all of it where there is none.</summary>
    private (string? Provider, string Name) Split(string id) =>
        id.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash
        && _providers.FirstOrDefault(name => name.Equals(id[..slash], StringComparison.OrdinalIgnoreCase)) is { } provider
            ? (provider, id[(slash + 1)..])
            : (null, id);

    private void Index()
    {
        _byWord.Clear();
        _unlisted.Clear();
        // An id is one model's; a name is the first one's that has it.
        _listed.ForEach(model => _byWord.TryAdd(model.Id, model));
        _listed.ForEach(model => _byWord.TryAdd(model.Name, model));
        foreach (var model in _listed)
        {
            foreach (var alias in model.Aliases)
            {
                _byWord.TryAdd(alias, model);
                _byWord.TryAdd($"{model.Provider}/{alias}", model);
            }
        }
    }
}
