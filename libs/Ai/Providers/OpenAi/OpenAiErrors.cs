using System.ClientModel;
using System.Text.Json;

namespace Ai.Providers.OpenAi;

/// <summary>Reads the body of an answer.</summary>
internal delegate T BodyReader<out T>(ReadOnlySpan<byte> body);

/// <summary>What OpenAI's errors mean: <c>{"error":{"message","type","param","code"}}</c>, with a status or in the middle of a stream.</summary>
internal static class OpenAiErrors
{
    /// <summary>The failure of an answer with a status.</summary>
    public static ModelException Of(int status, WireError? error, TimeSpan? retryAfter = null) =>
        new(FailureOf(status, error), $"the model server answered {status}{Detail(error)}") { Status = status, RetryAfter = retryAfter };

    /// <summary>An error in place of an answer whose status was 200.</summary>
    public static ModelException InAnswer(WireError error)
    {
        // vLLM and others say the status as the code; OpenAI says it with words.
        var status = int.TryParse(Text(error.Code), out var code) && code is >= 400 and < 600 ? code : Text(error.Code) switch
        {
            "rate_limit_exceeded" => 429,
            "invalid_prompt" or "invalid_request_error" => 400,
            _ => 500,
        };
        return new ModelException(FailureOf(status, error), $"the model server answered with an error{Detail(error)}");
    }

    /// <summary>Reads a whole answer, and says what is wrong with it where it cannot be read.</summary>
    public static T Reading<T>(ClientResult answer, CancellationToken cancellationToken, BodyReader<T> read)
    {
        try
        {
            return read(answer.GetRawResponse().Content);
        }
        catch (Exception exception) when (WhileReading(exception, cancellationToken) is { } failure)
        {
            throw failure;
        }
    }

    /// <summary>An exception while an answer is read; null when it stays what it is.</summary>
    public static Exception? WhileReading(Exception exception, CancellationToken cancellationToken) => exception switch
    {
        ModelException => null,
        OperationCanceledException => null,
        _ when cancellationToken.IsCancellationRequested => new OperationCanceledException(exception.Message, exception, cancellationToken),
        JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException or IndexOutOfRangeException
            // Without the exception: it may repeat a piece of the answer.
            => new ModelException(ModelFailure.Malformed, $"the model server's answer does not follow the protocol ({exception.GetType().Name})"),
        HttpRequestException or IOException => Cut(exception),
        _ => null,
    };

    /// <summary>An answer whose connection broke.</summary>
    public static ModelException Cut(Exception exception) => new(ModelFailure.Cut, "the connection to the model server broke in the middle of its answer", exception);

    private static ModelFailure FailureOf(int status, WireError? error) => (Text(error?.Code) ?? error?.Type) switch
    {
        "insufficient_quota" or "billing_hard_limit_reached" or "billing_not_active" => ModelFailure.QuotaExhausted,
        "content_policy_violation" or "moderation_blocked" or "content_filter" => ModelFailure.Refused,
        "context_length_exceeded" => ModelFailure.CapabilityMissing,
        _ => ModelFailures.OfStatus(status),
    };

    /// <summary>Type, code and parameter, which are names of the protocol; never the message, which repeats keys and prompts.</summary>
    private static string Detail(WireError? error)
    {
        var names = new[] { error?.Type, Text(error?.Code), error?.Param is { } param ? $"parameter {param}" : null }.Where(IsName).Distinct().ToArray();
        return names.Length == 0 ? "" : $" ({string.Join(", ", names)})";
    }

    private static bool IsName(string? text) => text is { Length: > 0 and <= 80 } && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' or '[' or ']' or ' ');

    private static string? Text(JsonElement? code) => code switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
        _ => null,
    };
}
