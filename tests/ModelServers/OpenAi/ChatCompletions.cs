using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ModelServers.OpenAi;

/// <summary><c>POST /v1/chat/completions</c>, whole and streamed.</summary>
internal sealed class ChatCompletions(OpenAiProtocol protocol) : WireFormat
{
    private const int ArgumentsPiece = 5;

    public override async Task<ModelRequest> ReadAsync(HttpContext http)
    {
        var key = protocol.KeyOf(http);
        var body = await ReadJsonAsync(http);
        var messages = Require<JsonArray>(body, "messages");
        if (messages.Count == 0)
        {
            throw new WireException(400, "'messages' is empty");
        }

        var format = body["response_format"];
        return new ModelRequest
        {
            Protocol = protocol.Name,
            Path = http.Request.Path,
            Model = RequireText(body, "model"),
            Key = key,
            Streamed = body["stream"]?.GetValue<bool>() == true,
            Messages = [.. messages.Select(message => MessageOf(message!))],
            Tools = [.. (body["tools"]?.AsArray() ?? []).Select(tool => RequireText(Require<JsonObject>(tool!, "function"), "name"))],
            SchemaName = format?["type"]?.GetValue<string>() == "json_schema" ? RequireText(Require<JsonObject>(format, "json_schema"), "name") : null,
            MaxTokens = (body["max_completion_tokens"] ?? body["max_tokens"])?.GetValue<int>(),
            Temperature = body["temperature"]?.GetValue<double>(),
            Raw = body,
            Headers = HeadersOf(http),
        };
    }

    public override JsonNode Whole(ModelRequest request, ModelReply reply)
    {
        var message = new JsonObject { ["role"] = "assistant", ["content"] = null };
        if (!protocol.Compatible)
        {
            message["refusal"] = null;
        }

        switch (reply)
        {
            case ToolCallsReply tools:
                message["tool_calls"] = new JsonArray([.. tools.Calls.Select((call, index) => ToolCall(call, index, call.ArgumentsJson))]);
                break;
            case RefusalReply refusal:
                message["refusal"] = refusal.Reason;
                break;
            default:
                message["content"] = TextOf(reply).Value;
                break;
        }

        var body = Envelope(request, "chat.completion", new JsonObject
        {
            ["index"] = 0, ["message"] = message, ["logprobs"] = null, ["finish_reason"] = FinishOf(reply),
        });
        if (!protocol.Compatible)
        {
            body["usage"] = UsageOf(reply);
        }

        return body;
    }

    public override StreamFrames Stream(ModelRequest request, ModelReply reply)
    {
        var wantsUsage = request.Raw["stream_options"]?["include_usage"]?.GetValue<bool>() == true && !protocol.Compatible;
        var pieces = reply switch
        {
            ToolCallsReply tools => tools.Calls.SelectMany(ToolPieces),
            RefusalReply refusal => [new JsonObject { ["refusal"] = refusal.Reason }],
            _ => TextOf(reply).Pieces.Select(piece => new JsonObject { ["content"] = piece }),
        };
        List<string> after = [Chunk([], FinishOf(reply))];
        if (wantsUsage)
        {
            var usage = Envelope(request, "chat.completion.chunk", choice: null);
            usage["usage"] = UsageOf(reply);
            after.Add(Frame(usage));
        }

        after.Add("data: [DONE]\n\n");
        return new StreamFrames([Chunk(new JsonObject { ["role"] = "assistant", ["content"] = protocol.Compatible ? null : "" }, null)], [.. pieces.Select(piece => Chunk(piece, null))], after);

        string Chunk(JsonObject delta, string? finish)
        {
            var chunk = Envelope(request, "chat.completion.chunk", new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = finish });
            if (wantsUsage)
            {
                chunk["usage"] = null;
            }

            return Frame(chunk);
        }
    }

    public override (int Status, JsonNode Body) Error(StatusReply reply, string message) => OpenAiProtocol.Error(reply, message);

    private static ModelMessage MessageOf(JsonNode message)
    {
        var role = RequireText(message, "role");
        var parts = message["content"] as JsonArray ?? [];
        var text = message["content"] is JsonValue value ? value.GetValue<string>() : string.Concat(parts.Select(part => part!["text"]?.GetValue<string>()));
        return new ModelMessage(role == "developer" ? "system" : role, role == "tool" ? "" : text)
        {
            Pictures = [.. parts.Where(part => part!["type"]?.GetValue<string>() == "image_url").Select(part => PictureOf(RequireText(Require<JsonObject>(part!, "image_url"), "url")))],
            ToolCalls = [.. (message["tool_calls"]?.AsArray() ?? []).Select(call =>
                new ModelToolCall(RequireText(call!, "id"), RequireText(Require<JsonObject>(call!, "function"), "name"), RequireText(call!["function"]!, "arguments")))],
            ToolResults = role == "tool" ? [new ModelToolResult(RequireText(message, "tool_call_id"), text)] : [],
        };
    }

    /// <summary>The first piece has id and name, the others have pieces of the arguments.</summary>
    private IEnumerable<JsonObject> ToolPieces(ModelToolCall call, int index)
    {
        yield return new JsonObject { ["tool_calls"] = new JsonArray(ToolCall(call, index, "")) };
        foreach (var piece in call.ArgumentsJson.Chunk(ArgumentsPiece))
        {
            yield return new JsonObject
            {
                ["tool_calls"] = new JsonArray(new JsonObject { ["index"] = index, ["function"] = new JsonObject { ["arguments"] = new string(piece) } }),
            };
        }
    }

    private JsonObject ToolCall(ModelToolCall call, int index, string arguments)
    {
        var wire = new JsonObject { ["index"] = index, ["type"] = "function", ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = arguments } };
        if (!protocol.Compatible)
        {
            wire["id"] = call.Id;
        }

        return wire;
    }

    private JsonObject Envelope(ModelRequest request, string kind, JsonObject? choice)
    {
        var envelope = new JsonObject { ["object"] = kind, ["model"] = request.Model, ["choices"] = choice is null ? new JsonArray() : new JsonArray(choice) };
        if (!protocol.Compatible)
        {
            envelope["id"] = "chatcmpl-1";
            envelope["created"] = request.At.ToUnixTimeSeconds();
        }

        return envelope;
    }

    private static TextReply TextOf(ModelReply reply) => reply as TextReply ?? ModelReply.Sample;

    private static string FinishOf(ModelReply reply) => reply switch
    {
        ToolCallsReply => "tool_calls",
        TextReply { Truncated: true } => "length",
        _ => "stop",
    };

    private static JsonObject UsageOf(ModelReply reply)
    {
        var text = TextOf(reply);
        return new JsonObject
        {
            ["prompt_tokens"] = text.InputTokens,
            ["completion_tokens"] = text.OutputTokens,
            ["total_tokens"] = text.InputTokens + text.OutputTokens,
            ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = text.InputTokens / 2 },
            ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = text.OutputTokens / 2 },
        };
    }
}
