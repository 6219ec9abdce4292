using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Responses;

namespace Ai.Providers.OpenAi;

/// <summary>
/// <c>POST /responses</c>, OpenAI's newer way, which few compatible servers have. Nothing is stored there (<c>store: false</c>): the conversation is ours and
/// is sent whole.
/// </summary>
internal sealed class ResponsesWire(ResponsesClient client, string model) : ChatWire
{
    public override Task<ClientResult> SendAsync(BinaryContent content, RequestOptions options) => client.CreateResponseAsync(content, options);

    public override ChatStream OpenStream() => new ResponsesStream();

    public override ChatResponse Read(ReadOnlySpan<byte> body)
    {
        var response = JsonSerializer.Deserialize(body, OpenAiJson.Default.WireResponse)
            ?? throw new ModelException(ModelFailure.Malformed, "the model server's answer is null");
        var finish = FinishOf(response);
        if (response.Output is not { } output)
        {
            throw new ModelException(ModelFailure.Malformed, "the model server's answer has no output");
        }

        var message = new ChatMessage(ChatRole.Assistant, []);
        foreach (var item in output)
        {
            foreach (var part in item.Content ?? [])
            {
                if (part.Type == "refusal")
                {
                    throw ChatCompletionsWire.Refused();
                }

                if (part.Type == "output_text")
                {
                    message.Contents.Add(new TextContent(part.Text));
                }
            }

            if (item.Type == "function_call")
            {
                message.Contents.Add(CallOf(item));
            }
        }

        return new ChatResponse(message)
        {
            ResponseId = response.Id,
            CreatedAt = ChatCompletionsWire.TimeOf(response.CreatedAt),
            FinishReason = message.Contents.Any(content => content is FunctionCallContent) ? ChatFinishReason.ToolCalls : finish,
            Usage = response.Usage?.ToUsage(),
        };
    }

    public override void Write(Utf8JsonWriter writer, IEnumerable<ChatMessage> messages, ChatOptions? options, bool streamed)
    {
        writer.WriteString("model", model);
        writer.WriteBoolean("store", false);
        if (options?.Instructions is { Length: > 0 } instructions)
        {
            writer.WriteString("instructions", instructions);
        }

        writer.WriteStartArray("input");
        foreach (var message in messages)
        {
            WriteMessage(writer, message);
        }

        writer.WriteEndArray();
        if (options?.MaxOutputTokens is { } tokens)
        {
            writer.WriteNumber("max_output_tokens", tokens);
        }

        WireOptions.WriteSampling(writer, model, options);
        if (OpenAiModels.EffortOf(options) is { } effort)
        {
            writer.WriteStartObject("reasoning");
            writer.WriteString("effort", effort);
            writer.WriteEndObject();
        }

        WireOptions.WriteTools(writer, options, WriteTool, WriteChoice);
        WriteFormat(writer, options);
        if (streamed)
        {
            writer.WriteBoolean("stream", true);
        }
    }

    /// <summary>How a response ended. Throws when it failed or was refused.</summary>
    internal static ChatFinishReason FinishOf(WireResponse response)
    {
        if (response.Error is { } error)
        {
            throw OpenAiErrors.InAnswer(error);
        }

        return response switch
        {
            { Status: "failed" or "cancelled" } => throw new ModelException(ModelFailure.ServerError, $"the model server ended the answer as {response.Status}"),
            { Status: "incomplete", IncompleteDetails.Reason: "content_filter" } => throw ChatCompletionsWire.Refused(),
            { Status: "incomplete" } => ChatFinishReason.Length,
            _ => ChatFinishReason.Stop,
        };
    }

    internal static FunctionCallContent CallOf(WireOutputItem item) => ToolJson.Call(item.CallId, item.Name ?? "", item.Arguments);

    private static void WriteMessage(Utf8JsonWriter writer, ChatMessage message)
    {
        var spoken = message.Contents.Where(content =>
            content is not (FunctionCallContent or FunctionResultContent) && !WireOptions.IsSpokenToNobody(content)).ToArray();
        if (spoken.Length > 0)
        {
            var isAssistant = message.Role == ChatRole.Assistant;
            writer.WriteStartObject();
            writer.WriteString("role", isAssistant ? "assistant" : message.Role == ChatRole.System ? "system" : "user");
            writer.WriteStartArray("content");
            foreach (var content in spoken)
            {
                WritePart(writer, content, isAssistant ? "output_text" : "input_text");
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        // Calls and results are items of their own here.
        foreach (var content in message.Contents)
        {
            if (content is FunctionCallContent call)
            {
                writer.WriteStartObject();
                writer.WriteString("type", "function_call");
                writer.WriteString("call_id", call.CallId);
                writer.WriteString("name", call.Name);
                writer.WriteString("arguments", ToolJson.ArgumentsOf(call));
                writer.WriteEndObject();
            }
            else if (content is FunctionResultContent result)
            {
                writer.WriteStartObject();
                writer.WriteString("type", "function_call_output");
                writer.WriteString("call_id", result.CallId);
                writer.WriteString("output", ToolJson.ResultOf(result));
                writer.WriteEndObject();
            }
        }
    }

    private static void WritePart(Utf8JsonWriter writer, AIContent content, string textType)
    {
        writer.WriteStartObject();
        if (content is TextContent text)
        {
            writer.WriteString("type", textType);
            writer.WriteString("text", text.Text);
        }
        else
        {
            writer.WriteString("type", "input_image");
            writer.WriteString("image_url", WireOptions.PictureUri(content));
            writer.WriteString("detail", WireOptions.DetailOf(content));
        }

        writer.WriteEndObject();
    }

    private static void WriteTool(Utf8JsonWriter writer, AITool tool)
    {
        writer.WriteStartObject();
        if (tool is HostedWebSearchTool)
        {
            writer.WriteString("type", "web_search");
        }
        else
        {
            writer.WriteString("type", "function");
            WireOptions.WriteFunction(writer, tool);
        }

        writer.WriteEndObject();
    }

    private static void WriteChoice(Utf8JsonWriter writer, string name)
    {
        writer.WriteStartObject("tool_choice");
        writer.WriteString("type", "function");
        writer.WriteString("name", name);
        writer.WriteEndObject();
    }

    private static void WriteFormat(Utf8JsonWriter writer, ChatOptions? options)
    {
        if (options?.ResponseFormat is not ChatResponseFormatJson format)
        {
            return;
        }

        writer.WriteStartObject("text");
        writer.WriteStartObject("format");
        writer.WriteString("type", format.Schema is null ? "json_object" : "json_schema");
        if (format.Schema is { } schema)
        {
            WireOptions.WriteSchema(writer, format, schema);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
