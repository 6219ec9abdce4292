using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Ai.Providers.Google;

/// <summary>
/// What Google's errors mean. Messages hold codes, reasons and field names only: Google's own sentences may repeat parts of the request.
/// https://ai.google.dev/gemini-api/docs/troubleshooting, https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/api-errors,
/// https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto.
/// </summary>
internal static partial class GoogleFailures
{
    /// <summary>The failure of an answer with an error status.</summary>
    public static ModelException Of(string provider, int status, GoogleError? error, TimeSpan? retryAfter, string? model, string signInHint)
    {
        var details = error?.Details ?? [];
        var reason = details.Select(detail => detail.Reason).FirstOrDefault(text => text is not null);
        var failure = FailureOf(status, error, details, reason);
        var codes = string.Join(", ", new[] { error?.Status, reason }
            .Concat(details.SelectMany(detail => detail.Violations ?? []).Select(violation => violation.QuotaId))
            .Concat(details.SelectMany(detail => detail.FieldViolations ?? []).Select(violation => violation.Field))
            .Where(code => code is not null && Code().IsMatch(code)).Distinct());
        return new ModelException(failure, $"{provider} answered {status}{(codes.Length > 0 ? $" ({codes})" : "")}{Hint(failure, model, signInHint)}")
        {
            Status = status,
            // The wait that comes with a used-up quota of the day is one of seconds and does not help.
            RetryAfter = failure == ModelFailure.QuotaExhausted
                ? null
                : details.Select(detail => Duration(detail.RetryDelay)).FirstOrDefault(wait => wait is not null) ?? retryAfter,
        };
    }

    /// <summary>The failure of a connection; null for what is none, such as the caller's cancellation and failures of ours.</summary>
    public static ModelException? Of(Exception exception, bool begun, CancellationToken cancellationToken) => exception switch
    {
        ModelException => null,
        _ when cancellationToken.IsCancellationRequested => null,
        // Its message may quote the answer.
        JsonException => new(ModelFailure.Malformed, "the model server's answer does not follow the protocol"),
        HttpRequestException or IOException when begun => new(ModelFailure.Cut, "the model server's answer ended before its end", exception),
        HttpRequestException or IOException or OperationCanceledException => HttpFailures.WithoutResponse(exception),
        _ => null,
    };

    /// <summary>What a finish reason of a candidate means where it is not one of an answer; null for <c>STOP</c> and <c>MAX_TOKENS</c>.</summary>
    public static ModelException? OfFinish(string provider, string reason) => reason switch
    {
        "STOP" or "MAX_TOKENS" => null,
        "MALFORMED_FUNCTION_CALL" or "UNEXPECTED_TOOL_CALL" or "TOO_MANY_TOOL_CALLS" or "MALFORMED_RESPONSE" =>
            new(ModelFailure.AnswerInvalid, $"{provider}'s model stopped: {reason}"),
        "MISSING_THOUGHT_SIGNATURE" => new(
            ModelFailure.BadRequest, $"{provider} misses the signatures of the model's calls ({reason}): pass the contents of its messages on unchanged"),
        _ => Blocked(provider, reason),
    };

    /// <summary>The refusal of a filter, or of the model.</summary>
    public static ModelException Blocked(string provider, string? reason) =>
        new(ModelFailure.Refused, $"{provider} refused{(reason is not null && Code().IsMatch(reason) ? $": {reason}" : "")}");

    private static ModelFailure FailureOf(
        int status, GoogleError? error, IReadOnlyList<GoogleErrorDetail> details, string? reason) => (status, error?.Status) switch
    {
        // A wrong key is a 400 at the Gemini API.
        _ when reason is "API_KEY_INVALID" => ModelFailure.Unauthorized,
        _ when reason is "BILLING_DISABLED" => ModelFailure.QuotaExhausted,
        (_, "UNAUTHENTICATED") => ModelFailure.Unauthorized,
        (429, _) or (_, "RESOURCE_EXHAUSTED") => IsUsedUp(error, details) ? ModelFailure.QuotaExhausted : ModelFailure.RateLimited,
        // The account, not the request: the region or the plan is excluded.
        (400, "FAILED_PRECONDITION") => ModelFailure.Forbidden,
        _ => ModelFailures.OfStatus(status),
    };

    /// <summary>
    /// Both a full minute and a used-up day are 429 RESOURCE_EXHAUSTED. The violated quota tells them apart by its name; without one, only the sentence that
    /// sends the reader to the billing page does.
    /// </summary>
    private static bool IsUsedUp(GoogleError? error, IReadOnlyList<GoogleErrorDetail> details)
    {
        var violations = details.SelectMany(detail => detail.Violations ?? []).ToList();
        var limits = details.Select(detail => detail.Metadata?.GetValueOrDefault("quota_limit")).Where(limit => limit is not null).ToList();
        return violations.Count + limits.Count > 0
            ? violations.Any(violation => IsDaily(violation.QuotaId) || violation.QuotaValue == "0") || limits.Any(IsDaily)
            : error?.Message is { } message
                && (message.Contains("billing", StringComparison.OrdinalIgnoreCase) || message.Contains("spending cap", StringComparison.OrdinalIgnoreCase));
    }

    private static bool IsDaily(string? quota) => quota?.Contains("PerDay", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>google.protobuf.Duration in JSON: seconds with a fraction and an <c>s</c>.</summary>
    private static TimeSpan? Duration(string? text) =>
        text is [.. var seconds, 's'] && double.TryParse(seconds, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value < 1e6
            ? TimeSpan.FromSeconds(value)
            : null;

    private static string Hint(ModelFailure failure, string? model, string signInHint) => failure switch
    {
        ModelFailure.Unauthorized => $": {signInHint}",
        ModelFailure.Forbidden => $": {signInHint}, and whether the account may use {model ?? "this"}",
        ModelFailure.NotFound when model is not null => $": it has no model {model}, or not at this location",
        ModelFailure.QuotaExhausted => ": the account's quota is used up, or billing is off",
        _ => "",
    };

    [GeneratedRegex(@"^[A-Za-z0-9_.\-\[\]]{1,120}$")]
    private static partial Regex Code();
}
