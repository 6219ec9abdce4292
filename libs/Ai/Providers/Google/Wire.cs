using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ai.Providers.Google;

// Messages of generateContent and its neighbours, the same in the Gemini API (v1beta) and in Vertex AI (v1beta1):
// https://ai.google.dev/api/generate-content, https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest.
// The packages Google.Cloud.AIPlatform (Vertex AI) and Google.GenAI (both) would replace these types, GoogleApi and the conversions.

/// <summary>One turn of a conversation; <see cref="Role"/> is <c>user</c> or <c>model</c>.</summary>
internal sealed record Content(string? Role, IReadOnlyList<Part>? Parts);

/// <summary>A piece of a turn: exactly one of its kinds is set.</summary>
internal sealed record Part
{
    public string? Text { get; init; }

    /// <summary>Whether this is the model's thinking instead of its answer.</summary>
    public bool? Thought { get; init; }

    /// <summary>What the model must see again with this part in the next turn, or it refuses to go on with its calls.</summary>
    public string? ThoughtSignature { get; init; }

    public Blob? InlineData { get; init; }

    public FileData? FileData { get; init; }

    public FunctionCall? FunctionCall { get; init; }

    public FunctionResponse? FunctionResponse { get; init; }

    /// <summary>Place of a result's call among all calls; not sent.</summary>
    [JsonIgnore]
    public int Place { get; init; }
}

internal sealed record Blob(string? MimeType, ReadOnlyMemory<byte> Data);

internal sealed record FileData(string? MimeType, string FileUri);

internal sealed record FunctionCall(string? Id, string? Name, JsonElement? Args);

internal sealed record FunctionResponse(string? Id, string Name, JsonElement Response);

internal sealed record GenerateContentRequest(IReadOnlyList<Content> Contents)
{
    public Content? SystemInstruction { get; init; }

    public IReadOnlyList<Tool>? Tools { get; init; }

    public ToolConfig? ToolConfig { get; init; }

    public GenerationConfig? GenerationConfig { get; init; }
}

internal sealed record Tool
{
    public IReadOnlyList<FunctionDeclaration>? FunctionDeclarations { get; init; }

    public GoogleSearch? GoogleSearch { get; init; }
}

internal sealed record GoogleSearch;

internal sealed record FunctionDeclaration(string Name, string? Description, JsonElement ParametersJsonSchema);

internal sealed record ToolConfig(FunctionCallingConfig FunctionCallingConfig);

internal sealed record FunctionCallingConfig(string Mode, IReadOnlyList<string>? AllowedFunctionNames = null);

internal sealed record GenerationConfig
{
    public float? Temperature { get; init; }

    public float? TopP { get; init; }

    public int? TopK { get; init; }

    public int? MaxOutputTokens { get; init; }

    public IList<string>? StopSequences { get; init; }

    public long? Seed { get; init; }

    public float? PresencePenalty { get; init; }

    public float? FrequencyPenalty { get; init; }

    public string? ResponseMimeType { get; init; }

    public JsonElement? ResponseJsonSchema { get; init; }

    public IReadOnlyList<string>? ResponseModalities { get; init; }

    public ImageConfig? ImageConfig { get; init; }
}

internal sealed record ImageConfig(string AspectRatio);

/// <summary>A whole answer, or one event of a streamed one.</summary>
internal sealed record GenerateContentResponse
{
    public IReadOnlyList<Candidate>? Candidates { get; init; }

    public PromptFeedback? PromptFeedback { get; init; }

    public UsageMetadata? UsageMetadata { get; init; }

    public string? ResponseId { get; init; }

    /// <summary>Only in a stream whose answer fails after it began.</summary>
    public GoogleError? Error { get; init; }
}

internal sealed record Candidate(Content? Content, string? FinishReason);

internal sealed record PromptFeedback(string? BlockReason);

internal sealed record UsageMetadata
{
    public long? PromptTokenCount { get; init; }

    public long? ToolUsePromptTokenCount { get; init; }

    public long? CandidatesTokenCount { get; init; }

    public long? ThoughtsTokenCount { get; init; }

    public long? CachedContentTokenCount { get; init; }

    public long? TotalTokenCount { get; init; }
}

/// <summary>POST models/{model}:batchEmbedContents of the Gemini API.</summary>
internal sealed record BatchEmbedRequest(IReadOnlyList<EmbedRequest> Requests);

/// <summary>One text; <see cref="Model"/> only within a batch.</summary>
internal sealed record EmbedRequest(string? Model, Content Content, int? OutputDimensionality);

internal sealed record BatchEmbedResponse(IReadOnlyList<EmbeddingValues>? Embeddings);

internal sealed record EmbeddingValues(float[]? Values, EmbeddingStatistics? Statistics);

internal sealed record EmbeddingStatistics([property: JsonPropertyName("token_count")] double? TokenCount);

/// <summary>POST {model}:embedContent of Vertex AI.</summary>
internal sealed record EmbedResponse(EmbeddingValues? Embedding, UsageMetadata? UsageMetadata);

/// <summary>POST {model}:predict of Vertex AI's embedding models.</summary>
internal sealed record PredictRequest(IReadOnlyList<PredictInstance> Instances, PredictParameters? Parameters);

internal sealed record PredictInstance(string Content);

internal sealed record PredictParameters(int? OutputDimensionality);

internal sealed record PredictResponse(IReadOnlyList<Prediction>? Predictions);

internal sealed record Prediction(EmbeddingValues? Embeddings);

/// <summary>GET models of the Gemini API, GET publishers/google/models of Vertex AI.</summary>
internal sealed record ModelsResponse(IReadOnlyList<ListedModel>? Models, IReadOnlyList<ListedModel>? PublisherModels, string? NextPageToken);

internal sealed record ListedModel(string? Name);

internal sealed record ErrorResponse(GoogleError? Error);

/// <summary>google.rpc.Status in JSON; its message is not read, since it may repeat parts of the request.</summary>
internal sealed record GoogleError(int? Code, string? Status, string? Message, IReadOnlyList<GoogleErrorDetail>? Details);

/// <summary>The fields of ErrorInfo, RetryInfo, QuotaFailure and BadRequest (google/rpc/error_details.proto) that decide something.</summary>
internal sealed record GoogleErrorDetail
{
    public string? Reason { get; init; }

    public Dictionary<string, string?>? Metadata { get; init; }

    public string? RetryDelay { get; init; }

    public IReadOnlyList<QuotaViolation>? Violations { get; init; }

    public IReadOnlyList<FieldViolation>? FieldViolations { get; init; }
}

internal sealed record QuotaViolation(string? QuotaId, string? QuotaValue);

internal sealed record FieldViolation(string? Field);

[JsonSerializable(typeof(GenerateContentRequest))]
[JsonSerializable(typeof(GenerateContentResponse))]
[JsonSerializable(typeof(BatchEmbedRequest))]
[JsonSerializable(typeof(BatchEmbedResponse))]
[JsonSerializable(typeof(EmbedRequest))]
[JsonSerializable(typeof(EmbedResponse))]
[JsonSerializable(typeof(PredictRequest))]
[JsonSerializable(typeof(PredictResponse))]
[JsonSerializable(typeof(ModelsResponse))]
[JsonSerializable(typeof(ErrorResponse))]
[JsonSerializable(typeof(IReadOnlyList<ErrorResponse>))]
internal sealed partial class GoogleJson : JsonSerializerContext
{
    /// <summary>Text is sent as it is: escaping Korean would double it, and no browser reads these bodies.</summary>
    public static readonly GoogleJson Wire = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
