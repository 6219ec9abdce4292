using Ai.Calls;
using Ai.Providers;

namespace Ai.Policies;

/// <summary>Chooses the key of the provider.</summary>
internal sealed class KeysPolicy(IProviderKeys keys) : IModelPolicy
{
    public PolicyPlace Place => PolicyPlace.Keys;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        var all = await keys.OfAsync(call.Model.Provider, cancellationToken);
        return all.Keys is [var key, ..]
            ? await next(call with { Key = key.Value }, cancellationToken)
            : throw new ModelException(ModelFailure.NoKey, $"provider '{call.Model.Provider}': {all.Reason}");
    }
}
