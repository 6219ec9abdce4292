namespace Ai.Catalogue;

/// <summary>A task that an app gives to models, and what a model must be able to do for it; <see cref="AiServices.AddModelTask"/>.</summary>
/// <param name="Name">Name, as in <see cref="Calls.CallScope.Task"/>.</param>
/// <param name="Needs">Checked at the start for every model that the configuration gives the task to.</param>
public sealed record ModelTask(string Name, ModelCapabilities Needs);

/// <summary>The models of a task: section <c>Ai:Tasks:{task}</c>. A tier without one takes the nearest lower, then <see cref="AiOptions.Model"/>.</summary>
public sealed class TaskOptions
{
    /// <summary>Model of <see cref="ModelTier.Fast"/>.</summary>
    public string? Fast { get; set; }

    /// <summary>Model of <see cref="ModelTier.Standard"/>.</summary>
    public string? Standard { get; set; }

    /// <summary>Model of <see cref="ModelTier.Premium"/>.</summary>
    public string? Premium { get; set; }

    internal string? Of(ModelTier tier) => tier switch
    {
        ModelTier.Fast => Fast,
        ModelTier.Standard => Standard,
        _ => Premium,
    };
}
