namespace Ai.Catalogue;

/// <summary>Which model does a task.</summary>
internal sealed partial class ModelCatalogue
{
    /// <summary>
    /// The model for a task at a tier: <c>Ai:Tasks</c> at the tier or the nearest lower one; without such an entry, and without <c>Ai:Model</c>, the built-in
    /// table as far as its models' providers are configured; then the default, or where that cannot do the task and nobody chose it for its kind, the first model
    /// that can.
    /// </summary>
    public ModelInfo Choose(string task, ModelTier tier)
    {
        var needs = NeedsOf(task);
        if (_options.Tasks.TryGetValue(task, out var configured))
        {
            if (Tiers(tier).Select(configured.Of).FirstOrDefault(name => !string.IsNullOrEmpty(name)) is { } name)
            {
                return Find(name, needs);
            }
        }
        else if (string.IsNullOrEmpty(_options.Model) && BuiltInModels.Value.Tasks.TryGetValue(task, out var table)
            && Tiers(tier).Select(below => table.GetValueOrDefault(below)).Select(name => name is null ? null : _byWord.GetValueOrDefault(name))
                .FirstOrDefault(model => model is not null && model.Can(needs)) is { } known)
        {
            return known;
        }

        return All[0].Can(needs) || (!string.IsNullOrEmpty(_options.Model) && IsSpoken(needs))
            ? Find(null, needs)
            : All.FirstOrDefault(model => model.Can(needs)) ?? Find(null, needs);
    }

    /// <summary>What a task asks of its model: what the app says, text for those of the built-in table, else nothing.</summary>
    internal ModelCapabilities NeedsOf(string task) =>
        _tasks.TryGetValue(task, out var declared) ? declared.Needs
        : BuiltInModels.Value.Tasks.ContainsKey(task) ? ModelCapabilities.Chat
        : ModelCapabilities.None;

    /// <summary>
    /// Whether a task is about words, as the default that somebody chose is: no language model draws or embeds, so that choice says nothing about tasks of those kinds.
    /// </summary>
    internal static bool IsSpoken(ModelCapabilities needs) =>
        (needs & (ModelCapabilities.Images | ModelCapabilities.ImageEdits | ModelCapabilities.Embeddings)) == ModelCapabilities.None;

    /// <summary>The tier and those below it, the nearest first.</summary>
    private static IEnumerable<ModelTier> Tiers(ModelTier tier) => Enum.GetValues<ModelTier>().Where(other => other <= tier).OrderDescending();
}
