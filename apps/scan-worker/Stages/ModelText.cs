using System.Text.Json;
using Ai;
using ServiceDefaults;

namespace ScanWorker.Stages;

/// <summary>What a model has said, read as the JSON that was asked for.</summary>
internal static class ModelText
{
    /// <summary>Longest text taken, characters: the results of all stages fit into one event of the job's log.</summary>
    public const int MaxLength = 16 * 1024;

    /// <summary>The JSON; anything else is worth another attempt.</summary>
    public static T Read<T>(string text) where T : class
    {
        try
        {
            if (text.Length <= MaxLength && JsonSerializer.Deserialize<T>(text, TandemJson.Options) is { } answer)
            {
                return answer;
            }
        }
        catch (JsonException)
        {
            // Reported below. What the reader says may hold a piece of the text.
        }

        throw Invalid("is not the JSON that was asked for");
    }

    /// <summary>The failure of an answer that cannot be used.</summary>
    public static ModelException Invalid(string problem) => new(ModelFailure.AnswerInvalid, $"the model's answer {problem}");
}
