using Microsoft.Extensions.AI;

namespace Ai.Providers.OpenAi;

/// <summary>What OpenAI's own models refuse to be told, by their names. Other servers take what they know and pass over the rest.</summary>
internal static class OpenAiModels
{
    /// <summary>Whether it thinks before it answers: the o series and GPT-5.</summary>
    public static bool Reasons(string model) => NameOf(model) is ['o', >= '1' and <= '9', ..] or ['g', 'p', 't', '-', '5', ..];

    /// <summary>
    /// Whether temperature and top-p may be set. GPT-5.1 and later take them while they do not think, which is their default; the pro models always think.
    /// </summary>
    public static bool TakesTemperature(string model, ReasoningEffort? effort) =>
        !Reasons(model)
        || (NameOf(model).StartsWith("gpt-5.", StringComparison.Ordinal) && !model.Contains("-pro", StringComparison.Ordinal) && effort is null or ReasoningEffort.None);

    /// <summary>The wire's word for how much to think; null where the model is not told.</summary>
    public static string? EffortOf(ChatOptions? options) => options?.Reasoning?.Effort switch
    {
        ReasoningEffort.None => "none",
        ReasoningEffort.Low => "low",
        ReasoningEffort.Medium => "medium",
        ReasoningEffort.High => "high",
        ReasoningEffort.ExtraHigh => "xhigh",
        _ => null,
    };

    private static ReadOnlySpan<char> NameOf(string model) => model.AsSpan(model.LastIndexOf('/') + 1);
}
