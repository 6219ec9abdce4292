namespace Ai.Catalogue;

/// <summary>Whether a model can be asked just now.</summary>
/// <param name="Model">The model.</param>
/// <param name="Available">Whether nothing is known against it.</param>
/// <param name="Reason">What is known against it, for people; null when nothing is. Holds no key and no address.</param>
public sealed record ModelStatus(ModelInfo Model, bool Available, string? Reason);

/// <summary>Which models can be asked just now; for people and lists, never on the way of a call.</summary>
public interface IModelAvailability
{
    /// <summary>
    /// Every listed model, the default first, then what servers of one's own have besides. The providers' own lists are read when this is first asked and
    /// again every <see cref="ModelListOptions.Refresh"/>; only the first reader waits for them.
    /// </summary>
    Task<IReadOnlyList<ModelStatus>> ListAsync(CancellationToken cancellationToken);
}
