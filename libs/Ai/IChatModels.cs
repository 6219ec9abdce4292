using Microsoft.Extensions.AI;

namespace Ai;

/// <summary>The one way for product code to reach a model: it names a model or none, never a provider.</summary>
public interface IChatModels
{
    /// <summary>Ids that <see cref="Get"/> accepts, the default first.</summary>
    IReadOnlyList<string> Supported { get; }

    /// <summary>
    /// The model's client with the call policy around it; null means the default model. Throws
    /// <see cref="ModelException"/> (MODEL_CAPABILITY_MISSING) for a model that is not in <see cref="Supported"/>. The
    /// client's <see cref="ChatClientMetadata"/> names provider and model.
    /// </summary>
    IChatClient Get(string? model);
}

/// <summary>Conventions of <see cref="ChatOptions.AdditionalProperties"/>.</summary>
public static class ChatTasks
{
    /// <summary>
    /// Names the task of a call, e.g. <c>waste-vision</c>. Model servers ignore it; the local provider, which is no language
    /// model, chooses its <see cref="Local.ILocalSkill"/> by it.
    /// </summary>
    public const string Key = "task";

    /// <summary>Options for a task whose answer is JSON of the given schema.</summary>
    public static ChatOptions Json(string task, string schemaName, System.Text.Json.JsonElement schema) => new()
    {
        ResponseFormat = ChatResponseFormat.ForJsonSchema(schema, schemaName),
        AdditionalProperties = new() { [Key] = task },
    };
}
