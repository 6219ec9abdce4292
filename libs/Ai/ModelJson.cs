using System.Collections.Concurrent;
using System.Text.Json;

namespace Ai;

/// <summary>
/// What a model has said, read as the JSON that was asked for. A model's words are untrusted like a person's: nothing uses them before this and the caller's own
/// check have passed.
/// </summary>
public static class ModelJson
{
    /// <summary>Longest text taken unless the caller says otherwise, characters: the answers of a job's stages fit together into one event of its log.</summary>
    public const int DefaultMaxLength = 16 * 1024;

    private static readonly ConcurrentDictionary<JsonSerializerOptions, JsonSerializerOptions> Strict = new();

    /// <summary>
    /// The JSON as <typeparamref name="T"/>, whose shape is the schema: what is neither nullable nor has a default must be there, and null fits only what is
    /// nullable. A code block around the JSON is taken off. Anything else is <see cref="ModelFailure.AnswerInvalid"/>, which is worth another attempt.
    /// </summary>
    /// <param name="text">The model's text.</param>
    /// <param name="options">How the JSON is spelled.</param>
    /// <param name="problem">The caller's own check: what is wrong, as the end of a sentence that begins with "the model's answer", or null. It must not repeat the text.</param>
    /// <param name="maxLength">Longest text taken, characters.</param>
    public static T Read<T>(string text, JsonSerializerOptions options, Func<T, string?>? problem = null, int maxLength = DefaultMaxLength) where T : class
    {
        T? answer = null;
        try
        {
            answer = text.Length <= maxLength ? JsonSerializer.Deserialize<T>(Unwrap(text), StrictOf(options)) : null;
        }
        catch (JsonException)
        {
            // Reported below. What the reader says may hold a piece of the text.
        }

        if (answer is null)
        {
            throw Invalid("is not the JSON that was asked for");
        }

        return problem?.Invoke(answer) is { } wrong ? throw Invalid(wrong) : answer;
    }

    /// <summary>The failure of an answer that cannot be used.</summary>
    public static ModelException Invalid(string problem) => new(ModelFailure.AnswerInvalid, $"the model's answer {problem}");

    /// <summary>Small models write a code block around their JSON, whatever they are told.</summary>
    private static ReadOnlySpan<char> Unwrap(string text)
    {
        var json = text.AsSpan().Trim();
        if (json.StartsWith("```") && json.EndsWith("```") && json.IndexOf('\n') is > 0 and var line && line < json.Length - 3)
        {
            json = json[line..^3];
        }

        return json;
    }

    private static JsonSerializerOptions StrictOf(JsonSerializerOptions options) => Strict.GetOrAdd(options, original =>
    {
        var strict = new JsonSerializerOptions(original) { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };
        strict.MakeReadOnly(populateMissingResolver: true);
        return strict;
    });
}
