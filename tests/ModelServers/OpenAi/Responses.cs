using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ModelServers.OpenAi;

/// <summary><c>POST /v1/responses</c>, whole and streamed.</summary>
internal sealed class Responses(OpenAiProtocol protocol) : WireFormat
{
    private const int ArgumentsPiece = 5;

    public override string MalformedFrame => "event: response.output_text.delta\ndata: {\"type\": broken\n\n";

    public override async Task<ModelRequest> ReadAsync(HttpContext http)
    {
        var key = protocol.KeyOf(http);
        var body = await ReadJsonAsync(http);
        List<ModelMessage> messages = [];
        if (body["instructions"] is { } instructions)
        {
            messages.Add(new ModelMessage("system", instructions.GetValue<string>()));
        }

        messages.AddRange(Require<JsonArray>(body, "input").Select(item => MessageOf(item!)));
        var format = body["text"]?["format"];
        return new ModelRequest
        {
            Protocol = protocol.Name,
            Path = http.Request.Path,
            Model = RequireText(body, "model"),
            Key = key,
            Streamed = body["stream"]?.GetValue<bool>() == true,
            Messages = messages,
            Tools = [.. (body["tools"]?.AsArray() ?? []).Select(tool => RequireText(tool!, tool!["type"]?.GetValue<string>() == "function" ? "name" : "type"))],
            SchemaName = format?["type"]?.GetValue<string>() == "json_schema" ? RequireText(format, "name") : null,
            MaxTokens = body["max_output_tokens"]?.GetValue<int>(),
            Temperature = body["temperature"]?.GetValue<double>(),
            Raw = body,
            Headers = HeadersOf(http),
        };
    }

    public override JsonNode Whole(ModelRequest request, ModelReply reply) => Response(request, reply, StatusOf(reply), [.. Items(reply)]);

    public override StreamFrames Stream(ModelRequest request, ModelReply reply)
    {
        var number = 0;
        string Event(string type, Action<JsonObject> fill)
        {
            var data = new JsonObject { ["type"] = type, ["sequence_number"] = number++ };
            fill(data);
            return Frame(data, type);
        }

        var items = Items(reply).ToArray();
        List<string> before =
        [
            Event("response.created", data => data["response"] = Response(request, reply, "in_progress", [])),
            Event("response.in_progress", data => data["response"] = Response(request, reply, "in_progress", [])),
        ];
        List<string> pieces = [];
        for (var index = 0; index < items.Length; index++)
        {
            var item = items[index];
            var place = index;
            (reply is ToolCallsReply ? pieces : before).Add(Event("response.output_item.added", data => (data["output_index"], data["item"]) = (place, Empty(item))));
            foreach (var (type, delta) in Deltas(reply, item))
            {
                pieces.Add(Event(type, data => (data["output_index"], data["content_index"], data["delta"]) = (place, 0, delta)));
            }

            if (reply is ToolCallsReply)
            {
                pieces.Add(Event("response.output_item.done", data => (data["output_index"], data["item"]) = (place, item.DeepClone())));
            }
        }

        var status = StatusOf(reply);
        return new StreamFrames(before, pieces, [Event($"response.{status}", data => data["response"] = Response(request, reply, status, items))]);
    }

    public override (int Status, JsonNode Body) Error(StatusReply reply, string message) => OpenAiProtocol.Error(reply, message);

    /// <summary>Within a stream an error is an event with code and message of its own.</summary>
    public override string ErrorFrame(StatusReply reply, string message)
    {
        var error = OpenAiProtocol.Error(reply, message).Body["error"]!;
        return Frame(new JsonObject { ["type"] = "error", ["code"] = (error["code"] ?? error["type"])!.DeepClone(), ["message"] = message, ["param"] = null }, "error");
    }

    private static ModelMessage MessageOf(JsonNode item) => item["type"]?.GetValue<string>() switch
    {
        "function_call" => new ModelMessage("assistant", "")
        {
            ToolCalls = [new ModelToolCall(RequireText(item, "call_id"), RequireText(item, "name"), RequireText(item, "arguments"))],
        },
        "function_call_output" => new ModelMessage("tool", "") { ToolResults = [new ModelToolResult(RequireText(item, "call_id"), item["output"]!.GetValue<string>())] },
        _ => Spoken(item),
    };

    private static ModelMessage Spoken(JsonNode item)
    {
        var role = RequireText(item, "role");
        var parts = item["content"] as JsonArray ?? [];
        var wanted = role == "assistant" ? "output_text" : "input_text";
        if (parts.FirstOrDefault(part => part!["type"]?.GetValue<string>() is not ("input_image" or "refusal") && part["type"]?.GetValue<string>() != wanted) is not null)
        {
            throw new WireException(400, $"content of role '{role}' must be '{wanted}'");
        }

        return new ModelMessage(role, string.Concat(parts.Select(part => part!["text"]?.GetValue<string>())))
        {
            Pictures = [.. parts.Where(part => part!["type"]?.GetValue<string>() == "input_image").Select(part => PictureOf(RequireText(part!, "image_url")))],
        };
    }

    private static IEnumerable<JsonObject> Items(ModelReply reply) => reply switch
    {
        ToolCallsReply tools => tools.Calls.Select(call => new JsonObject
        {
            ["id"] = "fc_" + call.Id, ["type"] = "function_call", ["status"] = "completed", ["call_id"] = call.Id, ["name"] = call.Name, ["arguments"] = call.ArgumentsJson,
        }),
        RefusalReply refusal => [Message(new JsonObject { ["type"] = "refusal", ["refusal"] = refusal.Reason })],
        _ => [Message(new JsonObject { ["type"] = "output_text", ["text"] = TextOf(reply).Value, ["annotations"] = new JsonArray() })],
    };

    private static JsonObject Message(JsonObject part) => new()
    {
        ["id"] = "msg_1", ["type"] = "message", ["status"] = "completed", ["role"] = "assistant", ["content"] = new JsonArray(part),
    };

    private static JsonNode Empty(JsonObject item)
    {
        var empty = item.DeepClone();
        empty["status"] = "in_progress";
        if (item["content"] is not null)
        {
            empty["content"] = new JsonArray();
        }
        else
        {
            empty["arguments"] = "";
        }

        return empty;
    }

    private static IEnumerable<(string Type, string Delta)> Deltas(ModelReply reply, JsonObject item) => reply switch
    {
        ToolCallsReply => item["arguments"]!.GetValue<string>().Chunk(ArgumentsPiece).Select(piece => ("response.function_call_arguments.delta", new string(piece))),
        RefusalReply refusal => [("response.refusal.delta", refusal.Reason)],
        _ => TextOf(reply).Pieces.Select(piece => ("response.output_text.delta", piece)),
    };

    private static JsonObject Response(ModelRequest request, ModelReply reply, string status, JsonObject[] items)
    {
        var text = TextOf(reply);
        return new JsonObject
        {
            ["id"] = "resp_1",
            ["object"] = "response",
            ["created_at"] = request.At.ToUnixTimeSeconds(),
            ["status"] = status,
            ["error"] = null,
            ["incomplete_details"] = status == "incomplete" ? new JsonObject { ["reason"] = "max_output_tokens" } : null,
            ["model"] = request.Model,
            ["output"] = new JsonArray([.. items.Select(item => item.DeepClone())]),
            ["usage"] = status == "in_progress" ? null : new JsonObject
            {
                ["input_tokens"] = text.InputTokens,
                ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = text.InputTokens / 2 },
                ["output_tokens"] = text.OutputTokens,
                ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = text.OutputTokens / 2 },
                ["total_tokens"] = text.InputTokens + text.OutputTokens,
            },
        };
    }

    private static TextReply TextOf(ModelReply reply) => reply as TextReply ?? ModelReply.Sample;

    private static string StatusOf(ModelReply reply) => reply is TextReply { Truncated: true } ? "incomplete" : "completed";
}
