using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ModelServers.Anthropic;

/// <summary><c>POST /v1/messages</c>, whole and streamed.</summary>
internal sealed class Messages(AnthropicProtocol protocol) : WireFormat
{
    private const int ArgumentsPiece = 5;

    private static readonly string[] Sampling = ["temperature", "top_p", "top_k"];
    private static readonly string[] PictureTypes = ["image/jpeg", "image/png", "image/gif", "image/webp"];

    public override async Task<ModelRequest> ReadAsync(HttpContext http)
    {
        var (key, version) = AnthropicProtocol.CredentialsOf(http);
        var body = await ReadJsonAsync(http);
        if (version == AnthropicProtocol.CurrentVersion && Sampling.FirstOrDefault(name => body[name] is not null) is { } removed)
        {
            throw new WireException(400, $"{removed}: Extra inputs are not permitted");
        }

        var maxTokens = Require<JsonValue>(body, "max_tokens").GetValue<int>();
        if (maxTokens < 1)
        {
            throw new WireException(400, "max_tokens: must be at least 1");
        }

        var messages = Require<JsonArray>(body, "messages").Select(message => MessageOf(message!)).ToList();
        CheckToolResults(messages);
        return new ModelRequest
        {
            Protocol = protocol.Name,
            Path = http.Request.Path,
            Model = RequireText(body, "model"),
            Key = key,
            Streamed = body["stream"]?.GetValue<bool>() == true,
            Messages = [.. SystemOf(body["system"]), .. messages],
            Tools = [.. (body["tools"]?.AsArray() ?? []).Select(ToolOf)],
            SchemaName = SchemaOf(body["output_config"]?["format"]),
            MaxTokens = maxTokens,
            Temperature = body["temperature"]?.GetValue<double>(),
            Raw = body,
            Headers = HeadersOf(http),
        };
    }

    public override JsonNode Whole(ModelRequest request, ModelReply reply)
    {
        var message = Envelope(request, reply, outputTokens: TextOf(reply).OutputTokens);
        message["content"] = reply switch
        {
            ToolCallsReply tools => new JsonArray([.. tools.Calls.Select(call => ToolUse(call, JsonNode.Parse(call.ArgumentsJson)!))]),
            RefusalReply => new JsonArray(),
            _ => new JsonArray(new JsonObject { ["type"] = "text", ["text"] = TextOf(reply).Value }),
        };
        message["stop_reason"] = StopOf(reply);
        return message;
    }

    public override StreamFrames Stream(ModelRequest request, ModelReply reply)
    {
        List<string> before =
        [
            Event("message_start", new JsonObject { ["message"] = Envelope(request, reply, outputTokens: 1) }),
            Event("ping", []),
        ];
        List<string> after =
        [
            Event("message_delta", new JsonObject
            {
                ["delta"] = new JsonObject { ["stop_reason"] = StopOf(reply), ["stop_sequence"] = null },
                ["usage"] = new JsonObject { ["output_tokens"] = TextOf(reply).OutputTokens },
            }),
            Event("message_stop", []),
        ];
        switch (reply)
        {
            case RefusalReply:
                return new StreamFrames(before, [], after);
            case ToolCallsReply tools:
                return new StreamFrames(before, [.. tools.Calls.SelectMany(ToolFrames)], after);
            default:
                before.Add(BlockStart(0, new JsonObject { ["type"] = "text", ["text"] = "" }));
                after.Insert(0, BlockStop(0));
                return new StreamFrames(
                    before, [.. TextOf(reply).Pieces.Select(piece => Delta(0, new JsonObject { ["type"] = "text_delta", ["text"] = piece }))], after);
        }
    }

    public override string MalformedFrame => "event: message_start\ndata: {\"type\": broken\n\n";

    public override (int Status, JsonNode Body) Error(StatusReply reply, string message) => AnthropicProtocol.Error(reply, message);

    public override string ErrorFrame(StatusReply reply, string message) => Frame(Error(reply, message).Body, "error");

    private static IEnumerable<ModelMessage> SystemOf(JsonNode? system) => system switch
    {
        null => [],
        JsonArray blocks => [new ModelMessage("system", string.Join('\n', blocks.Select(block => RequireText(block!, "text"))))],
        _ => [new ModelMessage("system", system.GetValue<string>())],
    };

    private static ModelMessage MessageOf(JsonNode message)
    {
        var role = RequireText(message, "role");
        if (role is not ("user" or "assistant"))
        {
            throw new WireException(400, $"messages: unexpected role '{role}'");
        }

        var blocks = message["content"] is JsonArray array ? array.Select(block => block!).ToList()
            : [new JsonObject { ["type"] = "text", ["text"] = RequireText(message, "content") }];
        IEnumerable<JsonNode> Of(string type) => blocks.Where(block => RequireText(block, "type") == type);
        var results = Of("tool_result").Select(block => new ModelToolResult(RequireText(block, "tool_use_id"), ContentOf(block["content"]))).ToList();
        return new ModelMessage(results.Count > 0 ? "tool" : role, string.Concat(Of("text").Select(block => RequireText(block, "text"))))
        {
            Pictures = [.. Of("image").Select(block => PictureOf(Require<JsonObject>(block, "source")))],
            ToolCalls =
            [
                .. Of("tool_use").Select(block =>
                    new ModelToolCall(RequireText(block, "id"), RequireText(block, "name"), Require<JsonObject>(block, "input").ToJsonString())),
            ],
            ToolResults = results,
        };
    }

    private static string ContentOf(JsonNode? content) =>
        content is JsonArray blocks ? string.Concat(blocks.Select(block => block!["text"]?.GetValue<string>())) : content?.GetValue<string>() ?? "";

    private static ModelPicture PictureOf(JsonObject source)
    {
        var type = RequireText(source, "media_type");
        return RequireText(source, "type") == "base64" && PictureTypes.Contains(type)
            ? new ModelPicture(Convert.FromBase64String(RequireText(source, "data")), type)
            : throw new WireException(400, "image.source: unexpected type");
    }

    /// <summary>Every call of a tool has its result in the next message.</summary>
    private static void CheckToolResults(List<ModelMessage> messages)
    {
        if (messages.Count == 0)
        {
            throw new WireException(400, "messages: at least one message is required");
        }

        for (var index = 0; index < messages.Count; index++)
        {
            var answered = index + 1 < messages.Count ? messages[index + 1].ToolResults.Select(result => result.Id).ToHashSet() : [];
            if (messages[index].ToolCalls.FirstOrDefault(call => !answered.Contains(call.Id)) is { } open)
            {
                throw new WireException(400, $"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {open.Id}");
            }
        }
    }

    private static string ToolOf(JsonNode? tool)
    {
        Require<JsonObject>(tool!, "input_schema");
        return RequireText(tool!, "name");
    }

    private static string? SchemaOf(JsonNode? format)
    {
        if (format is null)
        {
            return null;
        }

        var schema = Require<JsonObject>(format, "schema");
        if (RequireText(format, "type") != "json_schema" || (schema["type"]?.GetValue<string>() == "object" && schema["additionalProperties"]?.GetValue<bool>() != false))
        {
            throw new WireException(400, "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false");
        }

        return schema["title"]?.GetValue<string>() ?? "answer";
    }

    private static JsonObject Envelope(ModelRequest request, ModelReply reply, int outputTokens) => new()
    {
        ["id"] = "msg_1",
        ["type"] = "message",
        ["role"] = "assistant",
        ["model"] = request.Model,
        ["content"] = new JsonArray(),
        ["stop_reason"] = null,
        ["stop_sequence"] = null,
        ["usage"] = new JsonObject
        {
            ["input_tokens"] = TextOf(reply).InputTokens,
            ["cache_creation_input_tokens"] = 0,
            ["cache_read_input_tokens"] = 0,
            ["output_tokens"] = outputTokens,
        },
    };

    private static JsonObject ToolUse(ModelToolCall call, JsonNode input) =>
        new() { ["type"] = "tool_use", ["id"] = call.Id, ["name"] = call.Name, ["input"] = input };

    /// <summary>A block for each call: its name, then its arguments in pieces.</summary>
    private static IEnumerable<string> ToolFrames(ModelToolCall call, int index) =>
    [
        BlockStart(index, ToolUse(call, new JsonObject())),
        .. call.ArgumentsJson.Chunk(ArgumentsPiece)
            .Select(piece => Delta(index, new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = new string(piece) })),
        BlockStop(index),
    ];

    private static string BlockStart(int index, JsonObject block) =>
        Event("content_block_start", new JsonObject { ["index"] = index, ["content_block"] = block });

    private static string Delta(int index, JsonObject delta) => Event("content_block_delta", new JsonObject { ["index"] = index, ["delta"] = delta });

    private static string BlockStop(int index) => Event("content_block_stop", new JsonObject { ["index"] = index });

    private static string Event(string type, JsonObject data)
    {
        data.Insert(0, "type", type);
        return Frame(data, type);
    }

    private static TextReply TextOf(ModelReply reply) => reply as TextReply ?? ModelReply.Sample;

    private static string StopOf(ModelReply reply) => reply switch
    {
        ToolCallsReply => "tool_use",
        RefusalReply => "refusal",
        TextReply { Truncated: true } => "max_tokens",
        _ => "end_turn",
    };
}
