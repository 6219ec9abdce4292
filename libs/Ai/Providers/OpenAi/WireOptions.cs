using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Ai.Providers.OpenAi;

/// <summary>What both ways to ask for text write alike.</summary>
internal static class WireOptions
{
    /// <summary>Temperature and top-p, where the model takes them.</summary>
    public static void WriteSampling(Utf8JsonWriter writer, string model, ChatOptions? options)
    {
        if (!OpenAiModels.TakesTemperature(model, options?.Reasoning?.Effort))
        {
            return;
        }

        WriteNumber(writer, "temperature", options?.Temperature);
        WriteNumber(writer, "top_p", options?.TopP);
    }

    public static void WriteNumber(Utf8JsonWriter writer, string name, float? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
    }

    /// <summary>The tools, each written by <paramref name="write"/>, and how free the model is to call them.</summary>
    public static void WriteTools(
        Utf8JsonWriter writer, ChatOptions? options, Action<Utf8JsonWriter, AITool> write, Action<Utf8JsonWriter, string> writeChoice)
    {
        if (options?.Tools is not { Count: > 0 } tools)
        {
            return;
        }

        writer.WriteStartArray("tools");
        foreach (var tool in tools)
        {
            write(writer, tool);
        }

        writer.WriteEndArray();
        switch (options.ToolMode)
        {
            case RequiredChatToolMode { RequiredFunctionName: { } name }:
                writeChoice(writer, name);
                break;
            case RequiredChatToolMode:
                writer.WriteString("tool_choice", "required");
                break;
            case NoneChatToolMode:
                writer.WriteString("tool_choice", "none");
                break;
        }

        if (options.AllowMultipleToolCalls is { } parallel)
        {
            writer.WriteBoolean("parallel_tool_calls", parallel);
        }
    }

    /// <summary>Name, description, parameters and strictness of a tool that is a function.</summary>
    public static void WriteFunction(Utf8JsonWriter writer, AITool tool)
    {
        if (tool is not AIFunctionDeclaration function)
        {
            throw new ModelException(ModelFailure.CapabilityMissing, $"a tool of type {tool.GetType().Name} cannot be offered to this model");
        }

        writer.WriteString("name", function.Name);
        if (function.Description.Length > 0)
        {
            writer.WriteString("description", function.Description);
        }

        writer.WritePropertyName("parameters");
        function.JsonSchema.WriteTo(writer);
        writer.WriteBoolean("strict", ToolJson.IsStrict(function.JsonSchema));
    }

    /// <summary>Name, description, schema and strictness of an answer's format.</summary>
    public static void WriteSchema(Utf8JsonWriter writer, ChatResponseFormatJson format, JsonElement schema)
    {
        writer.WriteString("name", format.SchemaName ?? "answer");
        if (format.SchemaDescription is { } description)
        {
            writer.WriteString("description", description);
        }

        writer.WritePropertyName("schema");
        schema.WriteTo(writer);
        writer.WriteBoolean("strict", ToolJson.IsStrict(schema));
    }

    /// <summary>
    /// A picture as a data URI. Addresses are not passed on: the server would fetch them from inside its own network, without the guard of ours.
    /// </summary>
    public static string PictureUri(AIContent content) => content is DataContent picture && picture.HasTopLevelMediaType("image")
        ? picture.Uri
        : throw new ModelException(ModelFailure.CapabilityMissing, $"content of type {content.GetType().Name} cannot be sent to this model");

    /// <summary>
    /// How closely the model looks at a picture; <c>low</c>, which is a fixed small price, unless the content's additional property <c>detail</c> says
    /// <c>high</c> or <c>auto</c>.
    /// </summary>
    public static string DetailOf(AIContent content) => content.AdditionalProperties?.GetValueOrDefault("detail") as string ?? "low";

    /// <summary>What an assistant's earlier message may hold besides what is sent back.</summary>
    public static bool IsSpokenToNobody(AIContent content) => content is TextReasoningContent or UsageContent;
}
