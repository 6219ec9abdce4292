using Ai.Calls;
using Ai.Catalogue;
using Microsoft.Extensions.Configuration;

namespace Ai.Policies;

/// <summary>Chooses the key of the provider.</summary>
internal sealed class KeysPolicy(ModelCatalogue catalogue, IConfiguration configuration) : IModelPolicy
{
    public PolicyPlace Place => PolicyPlace.Keys;

    public ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        var provider = catalogue.Providers[call.Model.Provider];
        var key = provider.Keys.FirstOrDefault()?.Value ?? (provider.Kind == "openai" ? configuration["OPENAI_API_KEY"] : null);
        return next(call with { Key = key }, cancellationToken);
    }
}
