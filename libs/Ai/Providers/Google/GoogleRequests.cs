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

    private static readonly string[] Pictures = ["image/"];
    private static readonly string[] Files = ["image/", "audio/", "video/", "text/", "application/pdf"];

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
        var calls = new Dictionary<string, (string Name, int Place)>(StringComparer.Ordinal);
        ChatRole? last = null;
        foreach (var message in messages)
        {
            if (message.Role == ChatRole.System)
            {
                instructions.Add(new Part { Text = message.Text });
                continue;
            }

            var parts = Parts(model, message, calls, callIds);
            if (parts.Count == 0)
            {
                continue;
            }

            // The results of one turn's calls must come in one turn and, without ids, in the order of the calls.
            if (message.Role == ChatRole.Tool && last == ChatRole.Tool)
            {
                parts.InsertRange(0, contents[^1].Parts!);
                contents.RemoveAt(contents.Count - 1);
            }

            contents.Add(new Content(message.Role == ChatRole.Assistant ? Model : User, [.. parts.OrderBy(part => part.Place)]));
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
        List<Part> parts = [.. (request.OriginalImages ?? []).Select(content => Media(content, Pictures))];
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

    private static List<Part> Parts(string model, ChatMessage message, Dictionary<string, (string Name, int Place)> calls, bool callIds)
    {
        var parts = new List<Part>(message.Contents.Count);
        var first = true;
        foreach (var content in message.Contents)
        {
            switch (content)
            {
                case TextReasoningContent thought when SignatureOf(thought) is { } signature:
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
                    calls[call.CallId] = (call.Name, calls.Count);
                    parts.Add(new Part
                    {
                        FunctionCall = new FunctionCall(callIds ? call.CallId : null, call.Name, JsonElement.Parse(ToolJson.ArgumentsOf(call))),
                        ThoughtSignature = SignatureOf(call) ?? (first && WantsSignatures(model) ? ForeignSignature : null),
                    });
                    first = false;
                    break;
                case FunctionResultContent result:
                    var (name, place) = calls.GetValueOrDefault(result.CallId, (result.CallId, int.MaxValue));
                    parts.Add(new Part { FunctionResponse = new FunctionResponse(callIds ? result.CallId : null, name, Result(result)), Place = place });
                    break;
                default:
                    parts.Add(Media(content, Files));
                    break;
            }
        }

        return parts;
    }

    private static Part Media(AIContent content, string[] types) => content switch
    {
        DataContent data when types.Any(type => data.MediaType.StartsWith(type, StringComparison.OrdinalIgnoreCase)) => new Part { InlineData = new Blob(data.MediaType, data.Data) },
        UriContent uri when types.Any(type => uri.MediaType.StartsWith(type, StringComparison.OrdinalIgnoreCase)) => new Part { FileData = new FileData(uri.MediaType, uri.Uri.AbsoluteUri) },
        _ => throw new ModelException(ModelFailure.CapabilityMissing, $"content of type {content.GetType().Name} cannot be sent to this model"),
    };

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

    /// <summary>The result of a call, which must be an object: one as it is, anything else within one.</summary>
    private static JsonElement Result(FunctionResultContent result)
    {
        var text = ToolJson.ResultOf(result);
        if (text.AsSpan().TrimStart() is ['{', ..] && TryParse(text) is { } whole)
        {
            return whole;
        }

        return JsonSerializer.SerializeToElement(new JsonObject
        {
            ["result"] = result.Result is string or null ? JsonValue.Create(text) : JsonNode.Parse(text),
        });
    }

    private static JsonElement? TryParse(string text)
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
