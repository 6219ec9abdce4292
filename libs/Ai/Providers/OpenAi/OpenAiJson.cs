using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace Ai.Providers.OpenAi;

// Only what is read, and nothing of it required: compatible servers leave out what they please, and the package's own types throw at that and at any finish
// reason they do not know. What comes with every piece of a stream is a class with setters, which is read without an array of constructor arguments.

internal sealed record WireErrorAnswer(WireError? Error);

internal sealed record WireError(string? Type, JsonElement? Code, string? Param);

/// <summary>A chat completion, or a chunk of one.</summary>
internal sealed class WireCompletion
{
    public string? Id { get; set; }

    public long? Created { get; set; }

    public WireChoice[]? Choices { get; set; }

    public WireUsage? Usage { get; set; }

    public WireError? Error { get; set; }
}

internal sealed class WireChoice
{
    public WireMessage? Message { get; set; }

    public WireMessage? Delta { get; set; }

    public string? FinishReason { get; set; }
}

/// <summary>What reasoning models of compatible servers think is in one of two fields.</summary>
internal sealed class WireMessage
{
    public string? Content { get; set; }

    public string? Refusal { get; set; }

    public string? ReasoningContent { get; set; }

    public string? Reasoning { get; set; }

    public WireToolCall[]? ToolCalls { get; set; }

    [JsonIgnore]
    public string? Thought => ReasoningContent ?? Reasoning;
}

internal sealed class WireToolCall
{
    public int? Index { get; set; }

    public string? Id { get; set; }

    public WireFunction? Function { get; set; }
}

internal sealed class WireFunction
{
    public string? Name { get; set; }

    public string? Arguments { get; set; }
}

/// <summary>A response of the Responses API.</summary>
internal sealed record WireResponse(
    string? Id, long? CreatedAt, string? Status, WireIncomplete? IncompleteDetails, WireOutputItem[]? Output, WireUsage? Usage, WireError? Error);

internal sealed record WireIncomplete(string? Reason);

/// <summary>A message, a call of a function, or something that is passed over.</summary>
internal sealed record WireOutputItem(string? Type, WireOutputPart[]? Content, string? CallId, string? Name, string? Arguments);

internal sealed record WireOutputPart(string? Type, string? Text);

/// <summary>An event of a streamed response. An error says what it is in itself, or in an object as elsewhere.</summary>
internal sealed class WireEvent
{
    public string? Type { get; set; }

    public string? Delta { get; set; }

    public WireOutputItem? Item { get; set; }

    public WireResponse? Response { get; set; }

    public WireError? Error { get; set; }

    public JsonElement? Code { get; set; }

    public string? Param { get; set; }
}

/// <summary>Tokens: the first names are of chat completions and embeddings, the second of responses and pictures.</summary>
internal sealed record WireUsage(
    long? PromptTokens, long? CompletionTokens, long? TotalTokens, WireTokenDetails? PromptTokensDetails, WireTokenDetails? CompletionTokensDetails,
    long? InputTokens, long? OutputTokens, WireTokenDetails? InputTokensDetails, WireTokenDetails? OutputTokensDetails)
{
    public UsageDetails ToUsage()
    {
        var input = PromptTokens ?? InputTokens;
        var output = CompletionTokens ?? OutputTokens;
        return new UsageDetails
        {
            InputTokenCount = input,
            OutputTokenCount = output,
            TotalTokenCount = TotalTokens ?? input + output,
            CachedInputTokenCount = (PromptTokensDetails ?? InputTokensDetails)?.CachedTokens,
            ReasoningTokenCount = (CompletionTokensDetails ?? OutputTokensDetails)?.ReasoningTokens,
        };
    }
}

internal sealed record WireEmbeddings(WireEmbedding[]? Data, WireUsage? Usage, WireError? Error);

/// <summary>An embedding in base64 or as numbers; without an index it stands where its text stands.</summary>
internal sealed record WireEmbedding(int? Index, JsonElement Embedding);

internal sealed record WireImages(WireImage[]? Data, string? OutputFormat, WireUsage? Usage, WireError? Error);

internal sealed record WireImage(
    // The naming policy would write b64json.
    [property: JsonPropertyName("b64_json")] string? B64Json, string? RevisedPrompt);

internal sealed record WireModels(WireModel[]? Data);

internal sealed record WireModel(string? Id);

internal sealed record WireTokenDetails(long? CachedTokens, long? ReasoningTokens);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(WireErrorAnswer))]
[JsonSerializable(typeof(WireCompletion))]
[JsonSerializable(typeof(WireResponse))]
[JsonSerializable(typeof(WireEvent))]
[JsonSerializable(typeof(WireEmbeddings))]
[JsonSerializable(typeof(WireImages))]
[JsonSerializable(typeof(WireModels))]
internal sealed partial class OpenAiJson : JsonSerializerContext;
