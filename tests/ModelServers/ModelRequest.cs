using System.Text.Json.Nodes;

namespace ModelServers;

/// <summary>A request as every protocol has it, so that one test or one brain serves all of them.</summary>
public sealed record ModelRequest
{
    /// <summary><see cref="IModelProtocol.Name"/>.</summary>
    public required string Protocol { get; init; }

    /// <summary>Path of the request.</summary>
    public required string Path { get; init; }

    /// <summary>Model it is for.</summary>
    public required string Model { get; init; }

    /// <summary>The credential as sent, without its scheme; null when none was sent.</summary>
    public string? Key { get; init; }

    /// <summary>Whether the answer is wanted in pieces.</summary>
    public bool Streamed { get; init; }

    /// <summary>The conversation, the system's words first. The texts of embeddings are one user message each, a picture's prompt is one.</summary>
    public IReadOnlyList<ModelMessage> Messages { get; init; } = [];

    /// <summary>Names of the offered tools.</summary>
    public IReadOnlyList<string> Tools { get; init; } = [];

    /// <summary>Name of the schema that the answer must have, where the protocol has no such name the schema's title, else <c>answer</c>; null without a schema.</summary>
    public string? SchemaName { get; init; }

    /// <summary>Limit of the answer's tokens.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Temperature.</summary>
    public double? Temperature { get; init; }

    /// <summary>Length that embeddings shall have.</summary>
    public int? Dimensions { get; init; }

    /// <summary>Size of a picture as <c>widthxheight</c>, or how the protocol says it.</summary>
    public string? Size { get; init; }

    /// <summary>The body; of a multipart body its text fields.</summary>
    public required JsonNode Raw { get; init; }

    /// <summary>Its headers.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>Id of the connection it came by.</summary>
    public string Connection { get; init; } = "";

    /// <summary>When it arrived.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>Cancelled when the client goes away before the end of the answer.</summary>
    public CancellationToken Aborted { get; init; }

    /// <summary>Text of the last message: what the person asked.</summary>
    public string Question => Messages.Count > 0 ? Messages[^1].Text : "";

    /// <summary>Whether any message has a picture.</summary>
    public bool HasPicture => Messages.Any(message => message.Pictures.Count > 0);
}

/// <summary>One message.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>, whatever the protocol calls them.</param>
/// <param name="Text">Its text.</param>
public sealed record ModelMessage(string Role, string Text)
{
    /// <summary>Its pictures.</summary>
    public IReadOnlyList<ModelPicture> Pictures { get; init; } = [];

    /// <summary>Calls of tools that the assistant made in it.</summary>
    public IReadOnlyList<ModelToolCall> ToolCalls { get; init; } = [];

    /// <summary>Results of tools.</summary>
    public IReadOnlyList<ModelToolResult> ToolResults { get; init; } = [];
}

/// <summary>A picture.</summary>
public sealed record ModelPicture(byte[] Bytes, string MediaType);

/// <summary>A call of a tool.</summary>
/// <param name="Id">Id; where the protocol has none, one that its call and its result get by their order.</param>
/// <param name="Name">Name of the tool.</param>
/// <param name="ArgumentsJson">Arguments, a JSON object.</param>
public sealed record ModelToolCall(string Id, string Name, string ArgumentsJson);

/// <summary>The result of a tool.</summary>
public sealed record ModelToolResult(string Id, string Text);
