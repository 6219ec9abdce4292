using Ai.Catalogue;

namespace Ai.Policies;

/// <summary>Reads the breakers and the key pools.</summary>
internal sealed class ModelHealth(Breakers breakers, KeyPools pools) : IModelHealth
{
    public ModelOutage? OutageOf(ModelInfo model) =>
        breakers.OpenOf(model.Id) is { TriesIn.Ticks: > 0 } open
            ? new ModelOutage(ModelFailure.CircuitOpen, $"paused after failures, the last: {open.Last}", open.TriesIn)
            : pools.Of(model.Provider).OutageOf(model.Id);
}
