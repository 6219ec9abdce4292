using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ModelServers.OpenAi;

/// <summary><c>GET /v1/models</c>.</summary>
internal sealed class ModelList(OpenAiProtocol protocol) : WireFormat
{
    public override Task<ModelRequest> ReadAsync(HttpContext http) => Task.FromResult(new ModelRequest
    {
        Protocol = protocol.Name,
        Path = http.Request.Path,
        Model = "",
        Key = protocol.KeyOf(http),
        Raw = new JsonObject(),
        Headers = HeadersOf(http),
    });

    public override JsonNode Whole(ModelRequest request, ModelReply reply) => new JsonObject
    {
        ["object"] = "list", ["data"] = new JsonArray([.. OpenAiProtocol.Models.Select(name => new JsonObject { ["id"] = name, ["object"] = "model" })]),
    };

    public override (int Status, JsonNode Body) Error(StatusReply reply, string message) => OpenAiProtocol.Error(reply, message);
}
