using System.Text.Json;

namespace Ai.Providers.Anthropic;

/// <summary>
/// The error of a response or of a stream: <c>{"type":"error","error":{"type","message","details":{"error_code"}}}</c>. Its message is looked at and not
/// kept, since it may repeat the request.
/// </summary>
internal sealed record AnthropicError(string Type, ModelFailure? Failure)
{
    /// <summary>Type of every error in the request that has none of its own.</summary>
    public const string InvalidRequest = "invalid_request_error";

    private const int MaxTypeLength = 40;

    /// <summary>Reads the body of a response; null when it is no such error.</summary>
    public static AnthropicError? Read(string json)
    {
        try
        {
            using var body = JsonDocument.Parse(json);
            return Of(body.RootElement);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The error in the data of a stream's <c>error</c> event; null when there is none.</summary>
    public static AnthropicError? Of(JsonElement body) => Property(body, "error") is { } error && Text(error, "type") is { } type
        ? new AnthropicError(type, FailureOf(type, Text(Property(error, "details"), "error_code") ?? "", Text(error, "message") ?? ""))
        : null;

    /// <summary>What of it may be shown.</summary>
    public override string ToString() => Type.Length <= MaxTypeLength && Type.All(letter => char.IsAsciiLetterLower(letter) || letter == '_') ? $" ({Type})" : "";

    /// <summary>
    /// A spent limit has codes of its own beside those of a rate, or of a bad request when it is a limit that the account has set itself; for the credit
    /// that is used up the API has only words. Null where the status says more: invalid_request_error stands for every 4xx without a type of its own.
    /// </summary>
    private static ModelFailure? FailureOf(string type, string code, string message) => type switch
    {
        _ when code.EndsWith("spend_limit_reached", StringComparison.Ordinal) => ModelFailure.QuotaExhausted,
        InvalidRequest when message.Contains("credit balance", StringComparison.OrdinalIgnoreCase)
            || message.Contains("usage limits", StringComparison.OrdinalIgnoreCase) => ModelFailure.QuotaExhausted,
        "request_too_large" => ModelFailure.BadRequest,
        "authentication_error" => ModelFailure.Unauthorized,
        "billing_error" => ModelFailure.QuotaExhausted,
        "permission_error" => ModelFailure.Forbidden,
        "not_found_error" => ModelFailure.NotFound,
        "conflict_error" => ModelFailure.Conflict,
        "rate_limit_error" => ModelFailure.RateLimited,
        "timeout_error" or "api_error" or "overloaded_error" => ModelFailure.ServerError,
        _ => null,
    };

    private static JsonElement? Property(JsonElement? element, string name) =>
        element is { ValueKind: JsonValueKind.Object } parent && parent.TryGetProperty(name, out var value) ? value : null;

    private static string? Text(JsonElement? element, string name) =>
        Property(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;
}
