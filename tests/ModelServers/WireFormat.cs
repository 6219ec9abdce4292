using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ModelServers;

/// <summary>What one operation of a protocol looks like on the wire. <see cref="ModelServer"/> does the rest: scripts, faults, counts.</summary>
public abstract class WireFormat
{
    /// <summary>Reads a request and checks what the real server checks: credentials, required fields. Throws <see cref="WireException"/>.</summary>
    public abstract Task<ModelRequest> ReadAsync(HttpContext http);

    /// <summary>
    /// The body of a whole answer. <paramref name="reply"/> is text, calls of tools, a refusal, embeddings, a picture or none; what does not fit the operation
    /// is answered with something that does.
    /// </summary>
    public abstract JsonNode Whole(ModelRequest request, ModelReply reply);

    /// <summary>The error that stands for a declined picture; null where that is an answer like any other.</summary>
    public virtual StatusReply? Declined(NoPictureReply reply) => null;

    /// <summary>A whole answer in pieces.</summary>
    public virtual StreamFrames Stream(ModelRequest request, ModelReply reply) => throw new NotSupportedException($"{GetType().Name} has no streams");

    /// <summary>A piece of a stream of which the JSON is broken.</summary>
    public virtual string MalformedFrame => "data: {\"id\": broken\n\n";

    /// <summary>An error. <paramref name="message"/> is what it shall say.</summary>
    public abstract (int Status, JsonNode Body) Error(StatusReply reply, string message);

    /// <summary>The same within a stream.</summary>
    public virtual string ErrorFrame(StatusReply reply, string message) => Frame(Error(reply, message).Body);

    /// <summary>The body as JSON.</summary>
    protected static async Task<JsonNode> ReadJsonAsync(HttpContext http)
    {
        try
        {
            return await JsonNode.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted) as JsonObject
                ?? throw new WireException(400, "the body is not a JSON object");
        }
        catch (JsonException)
        {
            throw new WireException(400, "the body is not JSON");
        }
    }

    /// <summary>A field that must be there.</summary>
    protected static T Require<T>(JsonNode body, string field) where T : JsonNode =>
        body[field] as T ?? throw new WireException(400, $"missing required parameter: '{field}'");

    /// <summary>A text that must be there.</summary>
    protected static string RequireText(JsonNode body, string field) =>
        body[field] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0
            ? text
            : throw new WireException(400, $"missing required parameter: '{field}'");

    /// <summary>A picture in a data URI.</summary>
    protected static ModelPicture PictureOf(string dataUri)
    {
        const string Base64 = ";base64,";
        var at = dataUri.IndexOf(Base64, StringComparison.Ordinal);
        return dataUri.StartsWith("data:", StringComparison.Ordinal) && at > 0
            ? new ModelPicture(Convert.FromBase64String(dataUri[(at + Base64.Length)..]), dataUri["data:".Length..at])
            : throw new WireException(400, "a picture is not a data URI");
    }

    /// <summary>The headers of a request.</summary>
    protected static IReadOnlyDictionary<string, string> HeadersOf(HttpContext http) =>
        http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);

    /// <summary>One frame of server-sent events.</summary>
    protected static string Frame(JsonNode data, string? name = null) =>
        name is null ? $"data: {data.ToJsonString()}\n\n" : $"event: {name}\ndata: {data.ToJsonString()}\n\n";
}

/// <summary>A streamed answer, frame by frame.</summary>
/// <param name="Before">What stands before the first piece.</param>
/// <param name="Pieces">What carries the answer.</param>
/// <param name="After">What ends it: finish reason, usage, end marker.</param>
public sealed record StreamFrames(IReadOnlyList<string> Before, IReadOnlyList<string> Pieces, IReadOnlyList<string> After);

/// <summary>A request that the real server would not take.</summary>
public sealed class WireException(int status, string message, string? code = null) : Exception(message)
{
    /// <summary>Status of the answer.</summary>
    public int Status { get; } = status;

    /// <summary>The provider's code; null means the usual one for the status.</summary>
    public string? Code { get; } = code;
}
