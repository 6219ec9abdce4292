using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ModelServers.Anthropic;

/// <summary><c>GET /v1/models</c>: pages by <c>limit</c> and <c>after_id</c>.</summary>
internal sealed class ModelList(AnthropicProtocol protocol) : WireFormat
{
    private const int DefaultLimit = 20;

    public override Task<ModelRequest> ReadAsync(HttpContext http)
    {
        var (key, _) = AnthropicProtocol.CredentialsOf(http);
        return Task.FromResult(new ModelRequest
        {
            Protocol = protocol.Name,
            Path = http.Request.Path,
            Model = "",
            Key = key,
            Raw = new JsonObject { ["after_id"] = (string?)http.Request.Query["after_id"], ["limit"] = (string?)http.Request.Query["limit"] },
            Headers = HeadersOf(http),
        });
    }

    public override JsonNode Whole(ModelRequest request, ModelReply reply)
    {
        var all = AnthropicProtocol.Models.ToList();
        var rest = all.Skip(request.Raw["after_id"] is { } after ? all.IndexOf(after.GetValue<string>()) + 1 : 0).ToList();
        // Fewer a page than asked for, as the API may, so that a client that reads only the first one is seen.
        var page = rest.Take(Math.Min(2, request.Raw["limit"] is { } limit ? int.Parse(limit.GetValue<string>()) : DefaultLimit)).ToList();
        return new JsonObject
        {
            ["data"] = new JsonArray([.. page.Select(name => new JsonObject
            {
                ["type"] = "model", ["id"] = name, ["display_name"] = name, ["created_at"] = "2026-02-01T00:00:00Z",
            })]),
            ["has_more"] = page.Count < rest.Count,
            ["first_id"] = page.FirstOrDefault(),
            ["last_id"] = page.LastOrDefault(),
        };
    }

    public override (int Status, JsonNode Body) Error(StatusReply reply, string message) => AnthropicProtocol.Error(reply, message);
}
