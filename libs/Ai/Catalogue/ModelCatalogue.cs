using Ai.Local;
using Ai.Providers;
using Microsoft.Extensions.Options;

namespace Ai.Catalogue;

/// <summary>The models that this app may use, from the configuration.</summary>
internal sealed class ModelCatalogue
{
    private readonly ModelCallOptions _calls;

    public ModelCatalogue(IOptions<AiOptions> options, IEnumerable<ILocalSkill> skills, IOptions<LocalOptions> local)
    {
        var value = options.Value;
        _calls = value.Calls;
        Providers = new(value.Providers, StringComparer.OrdinalIgnoreCase);
        string[] names = ["gpt-5.2", "gpt-5.2-pro", "gpt-5.1", "gpt-5", "gpt-5-pro", "gpt-5-mini"];
        All =
        [
            .. Providers.ContainsKey("openai") ? names.Select(name => new ModelInfo
            {
                Id = $"openai/{name}",
                Provider = "openai",
                Name = name,
                Capabilities = ModelCapabilities.Chat | ModelCapabilities.Vision | ModelCapabilities.Tools | ModelCapabilities.JsonSchema | ModelCapabilities.Streaming,
            }) : [],
            new ModelInfo
            {
                Id = LocalProvider.Name,
                Provider = LocalProvider.Name,
                Name = LocalProvider.Name,
                Capabilities = LocalProvider.CapabilitiesWith(skills),
                MaxReferenceImages = local.Value.MaxReferencePictures,
                Price = new(0, 0, PerImage: 0),
            },
        ];
    }

    public Dictionary<string, ProviderOptions> Providers { get; }

    public IReadOnlyList<ModelInfo> All { get; }

    public ModelInfo Find(string? model, ModelCapabilities needs)
    {
        var found = model is null ? All[0] : All.FirstOrDefault(known =>
            known.Id.Equals(model, StringComparison.OrdinalIgnoreCase) || known.Name.Equals(model, StringComparison.OrdinalIgnoreCase));
        if (found is null)
        {
            throw new ModelException(
                ModelFailure.UnsupportedModel, $"model '{model}' is not supported; supported: {string.Join(", ", All.Select(known => known.Id))}");
        }

        Check(found, needs);
        return found;
    }

    public void Check(ModelInfo model, ModelCapabilities needs)
    {
        if ((needs & ~model.Capabilities) is not 0 and var missing)
        {
            throw new ModelException(ModelFailure.CapabilityMissing, $"{model.Id} cannot do {missing}");
        }
    }

    public ModelCallOptions PolicyOf(ModelInfo model) => _calls;
}
