using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ModelServers.Google;

/// <summary>What the three kinds of embedding requests have in common.</summary>
internal abstract class GoogleEmbeddings(GoogleProtocol protocol) : WireFormat
{
    /// <summary>Tokens of a text, as this server counts them.</summary>
    protected static int Tokens(string text) => text.Length;

    public override async Task<ModelRequest> ReadAsync(HttpContext http)
    {
        var key = protocol.KeyOf(http);
        var body = await ReadJsonAsync(http);
        var model = (string)http.Request.RouteValues["model"]!;
        var (texts, dimensions) = Read(model, body);
        return new ModelRequest
        {
            Protocol = protocol.Name,
            Path = http.Request.Path,
            Model = model,
            Key = key,
            Messages = [.. texts.Select(text => new ModelMessage("user", text))],
            Dimensions = dimensions,
            Raw = body,
            Headers = HeadersOf(http),
        };
    }

    public override (int Status, JsonNode Body) Error(StatusReply reply, string message) => GoogleProtocol.Error(reply, message);

    protected abstract (IReadOnlyList<string> Texts, int? Dimensions) Read(string model, JsonNode body);

    protected static IEnumerable<JsonNode> Values(ModelRequest request, ModelReply reply)
    {
        var dimension = request.Dimensions ?? (reply as EmbeddingsReply ?? ModelReply.Embeddings()).Dimension;
        return request.Messages.Select(message => new JsonArray([.. EmbeddingsReply.Of(message.Text, dimension).Select(value => JsonValue.Create(value))]));
    }

    protected static string TextOf(JsonNode content) => RequireText(Require<JsonArray>(content, "parts")[0]!, "text");
}

/// <summary><c>POST models/{model}:batchEmbedContents</c> of the Gemini API.</summary>
internal sealed class BatchEmbedContents(GoogleProtocol protocol) : GoogleEmbeddings(protocol)
{
    private const int MaxTexts = 100;

    public override JsonNode Whole(ModelRequest request, ModelReply reply) =>
        new JsonObject { ["embeddings"] = new JsonArray([.. Values(request, reply).Select(values => new JsonObject { ["values"] = values })]) };

    protected override (IReadOnlyList<string> Texts, int? Dimensions) Read(string model, JsonNode body)
    {
        var requests = Require<JsonArray>(body, "requests");
        if (requests.Count > MaxTexts)
        {
            throw new WireException(400, $"at most {MaxTexts} requests can be in one batch");
        }

        if (requests.Any(request => RequireText(request!, "model") != $"models/{model}"))
        {
            throw new WireException(400, "the models of all requests must be that of the batch");
        }

        return ([.. requests.Select(request => TextOf(Require<JsonObject>(request!, "content")))], requests[0]?["outputDimensionality"]?.GetValue<int>());
    }
}

/// <summary><c>POST {model}:predict</c> of Vertex AI's embedding models.</summary>
internal sealed class PredictEmbeddings(GoogleProtocol protocol) : GoogleEmbeddings(protocol)
{
    private const int MaxTexts = 250;

    public override JsonNode Whole(ModelRequest request, ModelReply reply) => new JsonObject
    {
        ["predictions"] = new JsonArray([.. Values(request, reply).Zip(request.Messages, (values, message) => new JsonObject
        {
            ["embeddings"] = new JsonObject
            {
                ["values"] = values,
                ["statistics"] = new JsonObject { ["truncated"] = false, ["token_count"] = Tokens(message.Text) },
            },
        })]),
    };

    protected override (IReadOnlyList<string> Texts, int? Dimensions) Read(string model, JsonNode body)
    {
        var instances = Require<JsonArray>(body, "instances");
        var most = model == "gemini-embedding-001" ? 1 : MaxTexts;
        if (instances.Count > most)
        {
            throw new WireException(400, $"{model} takes {most} instances a request");
        }

        return ([.. instances.Select(instance => RequireText(instance!, "content"))], body["parameters"]?["outputDimensionality"]?.GetValue<int>());
    }
}

/// <summary><c>POST {model}:embedContent</c> of Vertex AI, for one text.</summary>
internal sealed class EmbedContent(GoogleProtocol protocol) : GoogleEmbeddings(protocol)
{
    public override JsonNode Whole(ModelRequest request, ModelReply reply) => new JsonObject
    {
        ["embedding"] = new JsonObject { ["values"] = Values(request, reply).Single() },
        ["usageMetadata"] = new JsonObject { ["promptTokenCount"] = Tokens(request.Question), ["totalTokenCount"] = Tokens(request.Question) },
    };

    protected override (IReadOnlyList<string> Texts, int? Dimensions) Read(string model, JsonNode body) => model == "gemini-embedding-001"
        ? throw new WireException(400, $"{model} does not support embedContent")
        : ([TextOf(Require<JsonObject>(body, "content"))], body["outputDimensionality"]?.GetValue<int>());
}

/// <summary>The list of models, two a page.</summary>
internal sealed class GoogleModelList(GoogleProtocol protocol, string field, string prefix) : WireFormat
{
    private const int PageSize = 2;

    public override Task<ModelRequest> ReadAsync(HttpContext http) => Task.FromResult(new ModelRequest
    {
        Protocol = protocol.Name,
        Path = http.Request.Path,
        Model = "",
        Key = protocol.KeyOf(http),
        Raw = new JsonObject { ["pageToken"] = http.Request.Query["pageToken"].ToString() },
        Headers = HeadersOf(http),
    });

    public override JsonNode Whole(ModelRequest request, ModelReply reply)
    {
        var from = int.TryParse(request.Raw["pageToken"]!.GetValue<string>(), out var page) ? page : 0;
        var answer = new JsonObject
        {
            [field] = new JsonArray([.. GoogleProtocol.Models.Skip(from).Take(PageSize).Select(name => new JsonObject { ["name"] = prefix + name })]),
        };
        if (from + PageSize < GoogleProtocol.Models.Count)
        {
            answer["nextPageToken"] = $"{from + PageSize}";
        }

        return answer;
    }

    public override (int Status, JsonNode Body) Error(StatusReply reply, string message) => GoogleProtocol.Error(reply, message);
}
