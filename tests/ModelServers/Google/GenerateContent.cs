using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ModelServers.Google;

/// <summary><c>POST {model}:generateContent</c> and <c>:streamGenerateContent?alt=sse</c>, for text and for pictures.</summary>
public sealed class GenerateContent(GoogleProtocol protocol) : WireFormat
{
    /// <summary>What the model signs its calls with and wants to see again.</summary>
    public const string Signature = "c2lnbmVkIGJ5IHRoZSBtb2RlbA==";

    /// <summary>What stands for the signature of a call that another model made.</summary>
    public const string SkipSignature = "skip_thought_signature_validator";

    private static readonly string[] Fields =
        ["contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent", "labels"];

    private static readonly string[] PartFields =
        ["text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall", "functionResponse", "videoMetadata"];

    public override async Task<ModelRequest> ReadAsync(HttpContext http)
    {
        var key = protocol.KeyOf(http);
        var body = await ReadJsonAsync(http);
        OnlyHas(body, Fields, "");
        var model = (string)http.Request.RouteValues["model"]!;
        var streamed = http.Request.Path.Value!.EndsWith(":streamGenerateContent", StringComparison.Ordinal);
        if (streamed && http.Request.Query["alt"] != "sse")
        {
            throw new WireException(400, "this server streams with alt=sse only");
        }

        var contents = Require<JsonArray>(body, "contents");
        if (contents.Count == 0)
        {
            throw new WireException(400, "contents is not specified");
        }

        CheckCalls(model, contents);
        var config = body["generationConfig"];
        var messages = new List<ModelMessage>();
        if (body["systemInstruction"] is { } system)
        {
            messages.Add(new ModelMessage("system", string.Join("\n", Parts(system).Select(part => RequireText(part, "text")))));
        }

        var calls = 0;
        var results = 0;
        messages.AddRange(contents.Select(content => MessageOf(content!, ref calls, ref results)));
        return new ModelRequest
        {
            Protocol = protocol.Name,
            Path = http.Request.Path,
            Model = model,
            Key = key,
            Streamed = streamed,
            Messages = messages,
            Tools =
            [
                .. (body["tools"]?.AsArray() ?? []).SelectMany(tool => tool!["functionDeclarations"]?.AsArray() ?? [])
                    .Select(function => Require<JsonObject>(function!, "parametersJsonSchema") is not null ? RequireText(function!, "name") : ""),
            ],
            SchemaName = SchemaNameOf(config),
            MaxTokens = config?["maxOutputTokens"]?.GetValue<int>(),
            Temperature = config?["temperature"]?.GetValue<double>(),
            Size = config?["imageConfig"]?["aspectRatio"]?.GetValue<string>(),
            Raw = body,
            Headers = HeadersOf(http),
        };
    }

    /// <summary>A refusal for the reason <c>prompt</c> blocks the prompt; its answer has no candidate.</summary>
    public override JsonNode Whole(ModelRequest request, ModelReply reply)
    {
        var draws = request.Raw["generationConfig"]?["responseModalities"]?.AsArray().Any(modality => modality!.GetValue<string>() == "IMAGE") == true;
        reply = draws && reply is TextReply ? ModelReply.SamplePicture : reply;
        return reply is RefusalReply { Reason: "prompt" }
            ? Answer(request, reply, candidate: null)
            : Answer(request, reply, Candidate([.. PartsOf(reply)], FinishOf(reply)));
    }

    /// <summary>Nothing before the first piece and no end event: the last answer has a finish reason, and every one the tokens so far.</summary>
    public override StreamFrames Stream(ModelRequest request, ModelReply reply)
    {
        if (reply is RefusalReply)
        {
            return new StreamFrames([], [], [Frame(Whole(request, reply))]);
        }

        var pieces = reply is ToolCallsReply
            ? PartsOf(reply)
            : (reply as TextReply ?? ModelReply.Sample).Pieces.Select(piece => new JsonObject { ["text"] = piece });
        return new StreamFrames(
            [],
            [.. pieces.Select(part => Frame(Answer(request, reply, Candidate([part], finish: null))))],
            [Frame(Answer(request, reply, Candidate([new JsonObject { ["text"] = "" }], FinishOf(reply))))]);
    }

    public override (int Status, JsonNode Body) Error(StatusReply reply, string message) => GoogleProtocol.Error(reply, message);

    private ModelMessage MessageOf(JsonNode content, ref int calls, ref int results)
    {
        var parts = Parts(content);
        var role = content["role"]?.GetValue<string>();
        if (role is not ("user" or "model"))
        {
            throw new WireException(400, "Please use a valid role: user, model.");
        }

        List<ModelToolCall> made = [];
        List<ModelToolResult> got = [];
        foreach (var part in parts)
        {
            if (part["functionCall"] is { } call)
            {
                made.Add(new ModelToolCall(IdOf(call, ++calls), RequireText(call, "name"), (call["args"] ?? new JsonObject()).ToJsonString()));
            }
            else if (part["functionResponse"] is { } result)
            {
                RequireText(result, "name");
                got.Add(new ModelToolResult(IdOf(result, ++results), Require<JsonObject>(result, "response").ToJsonString()));
            }
        }

        return new ModelMessage(
            got.Count > 0 ? "tool" : role == "model" ? "assistant" : "user",
            string.Concat(parts.Where(part => part["thought"] is null).Select(part => part["text"]?.GetValue<string>())))
        {
            Pictures =
            [
                .. parts.Select(part => part["inlineData"]).OfType<JsonObject>()
                    .Select(blob => new ModelPicture(Convert.FromBase64String(RequireText(blob, "data")), RequireText(blob, "mimeType"))),
            ],
            ToolCalls = made,
            ToolResults = got,
        };
    }

    /// <summary>The id of a call or a result, or its place where the protocol has none.</summary>
    private string IdOf(JsonNode call, int place)
    {
        if (!protocol.HasCallIds)
        {
            return call["id"] is null
                ? $"call_{place}"
                : throw new WireException(400, "Invalid JSON payload received. Unknown name \"id\": Cannot find field.");
        }

        return call["id"]?.GetValue<string>() ?? $"call_{place}";
    }

    /// <summary>Each call has its result in the next turn, and from Gemini 3 on the first call of a turn its signature.</summary>
    private static void CheckCalls(string model, JsonArray contents)
    {
        var open = 0;
        foreach (var content in contents)
        {
            var parts = Parts(content!);
            var results = parts.Count(part => part["functionResponse"] is not null);
            if (results != open)
            {
                throw new WireException(
                    400, "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.");
            }

            var calls = parts.Where(part => part["functionCall"] is not null).ToList();
            open = calls.Count;
            if (open > 0 && model.StartsWith("gemini-3", StringComparison.Ordinal)
                && calls[0]["thoughtSignature"]?.GetValue<string>() is not (Signature or SkipSignature))
            {
                throw new WireException(400, "Function call is missing a thought_signature in functionCall parts.");
            }
        }
    }

    private static string? SchemaNameOf(JsonNode? config)
    {
        if (config?["responseJsonSchema"] is not { } schema)
        {
            return null;
        }

        return config["responseMimeType"]?.GetValue<string>() == "application/json"
            ? schema["title"]?.GetValue<string>() ?? "answer"
            : throw new WireException(400, "responseMimeType must be application/json with a response schema");
    }

    private IEnumerable<JsonObject> PartsOf(ModelReply reply)
    {
        switch (reply)
        {
            case ToolCallsReply tools:
                for (var index = 0; index < tools.Calls.Count; index++)
                {
                    var call = tools.Calls[index];
                    var wire = new JsonObject { ["name"] = call.Name, ["args"] = JsonNode.Parse(call.ArgumentsJson) };
                    if (protocol.HasCallIds)
                    {
                        wire["id"] = call.Id;
                    }

                    var part = new JsonObject { ["functionCall"] = wire };
                    if (index == 0)
                    {
                        part["thoughtSignature"] = Signature;
                    }

                    yield return part;
                }

                break;
            case PictureReply picture:
                yield return new JsonObject { ["text"] = "Here it is." };
                yield return new JsonObject { ["thought"] = true, ["inlineData"] = Blob([0], "image/png") };
                yield return new JsonObject { ["inlineData"] = Blob(picture.Bytes, picture.MediaType), ["thoughtSignature"] = Signature };
                break;
            case NoPictureReply { Reason: "STOP" }:
                yield return new JsonObject { ["text"] = "I would rather describe it." };
                break;
            case RefusalReply or NoPictureReply:
                break;
            default:
                yield return new JsonObject { ["text"] = (reply as TextReply ?? ModelReply.Sample).Value };
                break;
        }
    }

    private static JsonObject Blob(byte[] bytes, string mediaType) => new() { ["mimeType"] = mediaType, ["data"] = Convert.ToBase64String(bytes) };

    /// <summary>A refusal's reason is the finish reason where it is written like one.</summary>
    private static string FinishOf(ModelReply reply) => reply switch
    {
        RefusalReply refusal => refusal.Reason.All(letter => char.IsAsciiLetterUpper(letter) || letter == '_') ? refusal.Reason : "SAFETY",
        NoPictureReply none => none.Reason.All(letter => char.IsAsciiLetterUpper(letter) || letter == '_') ? none.Reason : "IMAGE_SAFETY",
        TextReply { Truncated: true } => "MAX_TOKENS",
        _ => "STOP",
    };

    private static JsonObject Candidate(JsonObject[] parts, string? finish)
    {
        var candidate = new JsonObject { ["index"] = 0 };
        if (parts.Length > 0)
        {
            candidate["content"] = new JsonObject { ["role"] = "model", ["parts"] = new JsonArray([.. parts]) };
        }

        if (finish is not null)
        {
            candidate["finishReason"] = finish;
        }

        return candidate;
    }

    private static JsonObject Answer(ModelRequest request, ModelReply reply, JsonObject? candidate)
    {
        var text = reply as TextReply ?? ModelReply.Sample;
        var answer = new JsonObject
        {
            ["usageMetadata"] = new JsonObject
            {
                ["promptTokenCount"] = text.InputTokens,
                ["candidatesTokenCount"] = text.OutputTokens,
                ["totalTokenCount"] = text.InputTokens + text.OutputTokens,
                ["promptTokensDetails"] = new JsonArray(new JsonObject { ["modality"] = "TEXT", ["tokenCount"] = text.InputTokens }),
            },
            ["modelVersion"] = request.Model,
            ["responseId"] = "response-1",
        };
        if (candidate is null)
        {
            answer["promptFeedback"] = new JsonObject { ["blockReason"] = "PROHIBITED_CONTENT" };
        }
        else
        {
            answer["candidates"] = new JsonArray(candidate);
        }

        return answer;
    }

    private static List<JsonNode> Parts(JsonNode content)
    {
        List<JsonNode> parts = [.. Require<JsonArray>(content, "parts").Select(part => part!)];
        parts.ForEach(part => OnlyHas(part, PartFields, " at 'contents.parts'"));
        return parts.Count > 0 ? parts : throw new WireException(400, "contents.parts must not be empty");
    }

    /// <summary>Unknown fields are refused, as by every Google API.</summary>
    private static void OnlyHas(JsonNode body, string[] fields, string where)
    {
        if (body.AsObject().FirstOrDefault(field => !fields.Contains(field.Key)) is { Key: { } unknown })
        {
            throw new WireException(400, $"Invalid JSON payload received. Unknown name \"{unknown}\"{where}: Cannot find field.");
        }
    }
}
