using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Ai.Providers.Google;

/// <summary>From the messages and options of Microsoft.Extensions.AI to generateContent.</summary>
internal static class GoogleRequests
{
    /// <summary>Key of a part's thought signature in the additional properties of the content that was made from it.</summary>
    public const string Signature = "thoughtSignature";

    /// <summary>
    /// Stands for the signature of a call that another model made. Models from Gemini 3 on go on with a call only when its first one has a signature.
    /// https://ai.google.dev/gemini-api/docs/thought-signatures.
    /// </summary>
    private const string ForeignSignature = "skip_thought_signature_validator";

    private const string User = "user";
    private const string Model = "model";

    /// <summary>A conversation.</summary>
    public static GenerateContentRequest Chat(string model, IEnumerable<ChatMessage> messages, ChatOptions? options, bool callIds)
    {
        var instructions = new List<Part>();
        if (options?.Instructions is { Length: > 0 } given)
        {
            instructions.Add(new Part { Text = given });
        }

        var contents = new List<Content>();
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        ChatRole? last = null;
        foreach (var message in messages)
        {
            if (message.Role == ChatRole.System)
            {
                instructions.Add(new Part { Text = message.Text });
                continue;
            }

            var parts = Parts(model, message, names, callIds);
            if (message.Role == ChatRole.Tool && last == ChatRole.Tool)
            {
                // The results of one turn's calls must come in one turn.
                contents[^1] = new Content(User, [.. contents[^1].Parts!, .. parts]);
            }
            else if (parts.Count > 0)
            {
                contents.Add(new Content(message.Role == ChatRole.Assistant ? Model : User, parts));
            }

            last = message.Role;
        }

        return new GenerateContentRequest(contents)
        {
            SystemInstruction = instructions.Count > 0 ? new Content(Role: null, instructions) : null,
            Tools = Tools(options),
            ToolConfig = Mode(options?.ToolMode) is { } mode ? new ToolConfig(mode) : null,
            GenerationConfig = options is null ? null : Config(options),
        };
    }

    /// <summary>A picture from text and reference pictures, in this order.</summary>
    public static GenerateContentRequest Image(ImageGenerationRequest request, ImageGenerationOptions? options)
    {
        List<Part> parts = [.. (request.OriginalImages ?? []).Select(Picture)];
        if (request.Prompt is { Length: > 0 } prompt)
        {
            parts.Add(new Part { Text = prompt });
        }

        return new GenerateContentRequest([new Content(User, parts)])
        {
            GenerationConfig = new GenerationConfig
            {
                ResponseModalities = ["TEXT", "IMAGE"],
                ImageConfig = options?.ImageSize is { Width: > 0, Height: > 0 } size ? new ImageConfig(AspectRatios.Nearest(size)) : null,
            },
        };
    }

    private static List<Part> Parts(string model, ChatMessage message, Dictionary<string, string> names, bool callIds)
    {
        var parts = new List<Part>(message.Contents.Count);
        var calls = 0;
        foreach (var content in message.Contents)
        {
            switch (content)
            {
                case TextReasoningContent { ProtectedData: { Length: > 0 } signature } thought:
                    parts.Add(new Part { Text = thought.Text, Thought = thought.Text.Length > 0 ? true : null, ThoughtSignature = signature });
                    break;
                case TextReasoningContent or UsageContent:
                    break;
                case TextContent text:
                    if (text.Text.Length > 0)
                    {
                        parts.Add(new Part { Text = text.Text, ThoughtSignature = SignatureOf(text) });
                    }

                    break;
                case FunctionCallContent call:
                    names[call.CallId] = call.Name;
                    parts.Add(new Part
                    {
                        FunctionCall = new FunctionCall(callIds ? call.CallId : null, call.Name, Json(call.Arguments ?? new Dictionary<string, object?>())),
                        ThoughtSignature = SignatureOf(call) ?? (calls++ == 0 && WantsSignatures(model) ? ForeignSignature : null),
                    });
                    break;
                case FunctionResultContent result:
                    parts.Add(new Part
                    {
                        FunctionResponse = new FunctionResponse(
                            callIds ? result.CallId : null, names.GetValueOrDefault(result.CallId) ?? result.CallId, Result(result)),
                    });
                    break;
                default:
                    parts.Add(Picture(content));
                    break;
            }
        }

        return parts;
    }

    private static Part Picture(AIContent content) => content switch
    {
        DataContent data when Known(data) => new Part { InlineData = new Blob(data.MediaType, data.Data) },
        UriContent uri => new Part { FileData = new FileData(uri.MediaType, uri.Uri.AbsoluteUri) },
        _ => throw new ModelException(ModelFailure.CapabilityMissing, $"content of type {content.GetType().Name} cannot be sent to this model"),
    };

    private static bool Known(DataContent data) =>
        data.HasTopLevelMediaType("image") || data.HasTopLevelMediaType("audio") || data.HasTopLevelMediaType("video")
        || data.HasTopLevelMediaType("text") || data.MediaType == "application/pdf";

    private static bool WantsSignatures(string model) =>
        model.StartsWith("gemini-", StringComparison.Ordinal) && !model.StartsWith("gemini-1", StringComparison.Ordinal)
        && !model.StartsWith("gemini-2", StringComparison.Ordinal);

    private static string? SignatureOf(AIContent content) => content.AdditionalProperties?.GetValueOrDefault(Signature) switch
    {
        string text => text,
        // The message came back from a store.
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString(),
        _ => null,
    };

    /// <summary>The result of a call, which must be an object.</summary>
    private static JsonElement Result(FunctionResultContent result)
    {
        if (result.Exception is not null && result.Result is null)
        {
            return Json(new Dictionary<string, object?> { ["error"] = "the tool failed" });
        }

        var value = result.Result is string text && text.AsSpan().TrimStart() is ['{', ..] ? Parsed(text) : null;
        value ??= result.Result is JsonElement element ? element : Json(result.Result);
        return value is { ValueKind: JsonValueKind.Object } whole ? whole : Json(new Dictionary<string, object?> { ["result"] = value });
    }

    private static JsonElement? Parsed(string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonElement Json(object? value) =>
        value is null ? JsonElement.Parse("null"u8) : JsonSerializer.SerializeToElement(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType()));

    private static List<Tool>? Tools(ChatOptions? options)
    {
        if (options?.Tools is not { Count: > 0 } given)
        {
            return null;
        }

        var functions = new List<FunctionDeclaration>();
        var tools = new List<Tool>();
        foreach (var tool in given)
        {
            switch (tool)
            {
                case AIFunctionDeclaration function:
                    functions.Add(new FunctionDeclaration(function.Name, function.Description is { Length: > 0 } text ? text : null, function.JsonSchema));
                    break;
                case HostedWebSearchTool:
                    tools.Add(new Tool { GoogleSearch = new GoogleSearch() });
                    break;
                default:
                    throw new ModelException(ModelFailure.CapabilityMissing, $"tool {tool.Name} of type {tool.GetType().Name} cannot be sent to this model");
            }
        }

        if (functions.Count > 0)
        {
            tools.Add(new Tool { FunctionDeclarations = functions });
        }

        return tools;
    }

    private static FunctionCallingConfig? Mode(ChatToolMode? mode) => mode switch
    {
        NoneChatToolMode => new FunctionCallingConfig("NONE"),
        RequiredChatToolMode { RequiredFunctionName: { } name } => new FunctionCallingConfig("ANY", [name]),
        RequiredChatToolMode => new FunctionCallingConfig("ANY"),
        _ => null,
    };

    private static GenerationConfig Config(ChatOptions options) => new()
    {
        Temperature = options.Temperature,
        TopP = options.TopP,
        TopK = options.TopK,
        MaxOutputTokens = options.MaxOutputTokens,
        StopSequences = options.StopSequences is { Count: > 0 } stops ? stops : null,
        Seed = options.Seed,
        PresencePenalty = options.PresencePenalty,
        FrequencyPenalty = options.FrequencyPenalty,
        ResponseMimeType = options.ResponseFormat is ChatResponseFormatJson ? "application/json" : null,
        ResponseJsonSchema = (options.ResponseFormat as ChatResponseFormatJson)?.Schema,
    };
}
