using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;
using ChatFinishReason = Microsoft.Extensions.AI.ChatFinishReason;

namespace Ai.Providers.OpenAi;

/// <summary><c>POST /chat/completions</c>, which every compatible server has.</summary>
internal sealed class ChatCompletionsWire(ChatClient client, string model, bool isOpenAi) : ChatWire
{
    public override Task<ClientResult> SendAsync(BinaryContent content, RequestOptions options) => client.CompleteChatAsync(content, options);

    public override ChatStream OpenStream() => new ChatCompletionsStream();

    public override ChatResponse Read(ReadOnlySpan<byte> body)
    {
        var answer = JsonSerializer.Deserialize(body, OpenAiJson.Default.WireCompletion);
        if (answer?.Error is { } error)
        {
            throw OpenAiErrors.InAnswer(error);
        }

        if (answer?.Choices is not [{ Message: { } wire } choice, ..])
        {
            throw new ModelException(ModelFailure.Malformed, "the model server's answer has no choices");
        }

        if (wire.Refusal is { Length: > 0 } || choice.FinishReason == "content_filter")
        {
            throw Refused();
        }

        var message = new ChatMessage(ChatRole.Assistant, []);
        if (wire.Thought is { Length: > 0 } thought)
        {
            message.Contents.Add(new TextReasoningContent(thought));
        }

        if (wire.Content is { Length: > 0 } text)
        {
            message.Contents.Add(new TextContent(text));
        }

        foreach (var call in wire.ToolCalls ?? [])
        {
            message.Contents.Add(ToolJson.Call(call.Id, call.Function?.Name ?? "", call.Function?.Arguments));
        }

        return new ChatResponse(message)
        {
            ResponseId = answer.Id,
            CreatedAt = TimeOf(answer.Created),
            FinishReason = FinishOf(choice.FinishReason, calls: wire.ToolCalls is { Length: > 0 }),
            Usage = answer.Usage?.ToUsage(),
        };
    }

    public override void Write(Utf8JsonWriter writer, IEnumerable<ChatMessage> messages, ChatOptions? options, bool streamed)
    {
        writer.WriteString("model", model);
        writer.WriteStartArray("messages");
        if (options?.Instructions is { Length: > 0 } instructions)
        {
            WriteText(writer, "system", instructions);
        }

        foreach (var message in messages)
        {
            WriteMessage(writer, message);
        }

        writer.WriteEndArray();
        if (options?.MaxOutputTokens is { } tokens)
        {
            // Compatible servers know the older name, which OpenAI's reasoning models refuse.
            writer.WriteNumber(isOpenAi || OpenAiModels.Reasons(model) ? "max_completion_tokens" : "max_tokens", tokens);
        }

        WireOptions.WriteSampling(writer, model, options);
        WireOptions.WriteNumber(writer, "frequency_penalty", options?.FrequencyPenalty);
        WireOptions.WriteNumber(writer, "presence_penalty", options?.PresencePenalty);
        if (options?.Seed is { } seed)
        {
            writer.WriteNumber("seed", seed);
        }

        if (OpenAiModels.EffortOf(options) is { } effort)
        {
            writer.WriteString("reasoning_effort", effort);
        }

        WriteStops(writer, options);
        WireOptions.WriteTools(writer, options, WriteTool, WriteChoice);
        WriteFormat(writer, options);
        if (streamed)
        {
            writer.WriteBoolean("stream", true);
            writer.WriteStartObject("stream_options");
            writer.WriteBoolean("include_usage", true);
            writer.WriteEndObject();
        }
    }

    internal static ModelException Refused() => new(ModelFailure.Refused, "the model, or its content filter, refused to answer");

    internal static DateTimeOffset? TimeOf(long? seconds) => seconds is > 0 and < 253_402_300_800 ? DateTimeOffset.FromUnixTimeSeconds(seconds.Value) : null;

    internal static ChatFinishReason FinishOf(string? reason, bool calls) => reason switch
    {
        _ when calls => ChatFinishReason.ToolCalls,
        null or "stop" => ChatFinishReason.Stop,
        "length" => ChatFinishReason.Length,
        _ => new ChatFinishReason(reason),
    };

    private static void WriteMessage(Utf8JsonWriter writer, ChatMessage message)
    {
        // Results of tools are messages of their own here.
        foreach (var result in message.Contents.OfType<FunctionResultContent>())
        {
            writer.WriteStartObject();
            writer.WriteString("role", "tool");
            writer.WriteString("tool_call_id", result.CallId);
            writer.WriteString("content", ToolJson.ResultOf(result));
            writer.WriteEndObject();
        }

        var contents = message.Contents.Where(content => content is not FunctionResultContent && !WireOptions.IsSpokenToNobody(content)).ToArray();
        if (contents.Length == 0 && message.Contents.Count > 0)
        {
            return;
        }

        if (message.Role == ChatRole.Assistant)
        {
            WriteAssistant(writer, contents);
        }
        else if (contents.All(content => content is TextContent))
        {
            WriteText(writer, message.Role == ChatRole.System ? "system" : "user", message.Text);
        }
        else
        {
            writer.WriteStartObject();
            writer.WriteString("role", "user");
            writer.WriteStartArray("content");
            foreach (var content in contents)
            {
                WritePart(writer, content);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }
    }

    private static void WriteText(Utf8JsonWriter writer, string role, string text)
    {
        writer.WriteStartObject();
        writer.WriteString("role", role);
        writer.WriteString("content", text);
        writer.WriteEndObject();
    }

    private static void WritePart(Utf8JsonWriter writer, AIContent content)
    {
        writer.WriteStartObject();
        if (content is TextContent text)
        {
            writer.WriteString("type", "text");
            writer.WriteString("text", text.Text);
        }
        else
        {
            writer.WriteString("type", "image_url");
            writer.WriteStartObject("image_url");
            writer.WriteString("url", WireOptions.PictureUri(content));
            writer.WriteString("detail", WireOptions.DetailOf(content));
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteAssistant(Utf8JsonWriter writer, AIContent[] contents)
    {
        if (contents.FirstOrDefault(content => content is not (TextContent or FunctionCallContent)) is { } unknown)
        {
            throw new ModelException(ModelFailure.CapabilityMissing, $"content of type {unknown.GetType().Name} cannot be sent as the assistant's");
        }

        var calls = contents.OfType<FunctionCallContent>().ToArray();
        var text = string.Concat(contents.OfType<TextContent>().Select(content => content.Text));
        writer.WriteStartObject();
        writer.WriteString("role", "assistant");
        writer.WriteString("content", calls.Length > 0 && text.Length == 0 ? null : text);
        if (calls.Length > 0)
        {
            writer.WriteStartArray("tool_calls");
            foreach (var call in calls)
            {
                writer.WriteStartObject();
                writer.WriteString("id", call.CallId);
                writer.WriteString("type", "function");
                writer.WriteStartObject("function");
                writer.WriteString("name", call.Name);
                writer.WriteString("arguments", ToolJson.ArgumentsOf(call));
                writer.WriteEndObject();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void WriteStops(Utf8JsonWriter writer, ChatOptions? options)
    {
        if (options?.StopSequences is not { Count: > 0 } stops)
        {
            return;
        }

        writer.WriteStartArray("stop");
        foreach (var stop in stops)
        {
            writer.WriteStringValue(stop);
        }

        writer.WriteEndArray();
    }

    private static void WriteTool(Utf8JsonWriter writer, AITool tool)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "function");
        writer.WriteStartObject("function");
        WireOptions.WriteFunction(writer, tool);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteChoice(Utf8JsonWriter writer, string name)
    {
        writer.WriteStartObject("tool_choice");
        writer.WriteString("type", "function");
        writer.WriteStartObject("function");
        writer.WriteString("name", name);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteFormat(Utf8JsonWriter writer, ChatOptions? options)
    {
        if (options?.ResponseFormat is not ChatResponseFormatJson format)
        {
            return;
        }

        writer.WriteStartObject("response_format");
        writer.WriteString("type", format.Schema is null ? "json_object" : "json_schema");
        if (format.Schema is { } schema)
        {
            writer.WriteStartObject("json_schema");
            WireOptions.WriteSchema(writer, format, schema);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
