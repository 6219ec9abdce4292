using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ModelServers.OpenAi;

/// <summary><c>POST /v1/embeddings</c>. The last text's embedding comes first: the index says which text it is of.</summary>
internal sealed class Embeddings(OpenAiProtocol protocol) : WireFormat
{
    private const int DefaultDimension = 8;

    public override async Task<ModelRequest> ReadAsync(HttpContext http)
    {
        var key = protocol.KeyOf(http);
        var body = await ReadJsonAsync(http);
        var input = body["input"] switch
        {
            JsonArray { Count: > 0 } texts => texts.Select(text => text!.GetValue<string>()),
            JsonValue text => [text.GetValue<string>()],
            _ => throw new WireException(400, "missing required parameter: 'input'"),
        };
        return new ModelRequest
        {
            Protocol = protocol.Name,
            Path = http.Request.Path,
            Model = RequireText(body, "model"),
            Key = key,
            Messages = [.. input.Select(text => new ModelMessage("user", text))],
            Dimensions = body["dimensions"]?.GetValue<int>(),
            Raw = body,
            Headers = HeadersOf(http),
        };
    }

    public override JsonNode Whole(ModelRequest request, ModelReply reply)
    {
        var dimension = request.Dimensions ?? (reply as EmbeddingsReply)?.Dimension ?? DefaultDimension;
        var data = request.Messages.Select((message, index) =>
        {
            var embedding = new JsonObject { ["object"] = "embedding", ["embedding"] = Encode(request, EmbeddingsReply.Of(message.Text, dimension)) };
            if (!protocol.Compatible)
            {
                embedding["index"] = index;
            }

            return embedding;
        });
        var body = new JsonObject
        {
            ["object"] = "list", ["model"] = request.Model, ["data"] = new JsonArray([.. protocol.Compatible ? data : data.Reverse()]),
        };
        if (!protocol.Compatible)
        {
            var tokens = request.Messages.Sum(message => message.Text.Length);
            body["usage"] = new JsonObject { ["prompt_tokens"] = tokens, ["total_tokens"] = tokens };
        }

        return body;
    }

    public override (int Status, JsonNode Body) Error(StatusReply reply, string message) => OpenAiProtocol.Error(reply, message);

    /// <summary>Little-endian floats in base64 when asked for; compatible servers know numbers only.</summary>
    private JsonNode Encode(ModelRequest request, float[] vector) => request.Raw["encoding_format"]?.GetValue<string>() == "base64" && !protocol.Compatible
        ? JsonValue.Create(Convert.ToBase64String(MemoryMarshal.AsBytes<float>(vector)))
        : new JsonArray([.. vector.Select(number => JsonValue.Create(number))]);
}
