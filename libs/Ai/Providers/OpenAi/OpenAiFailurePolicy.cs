using System.ClientModel;
using System.ClientModel.Primitives;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Ai.Providers.OpenAi;

/// <summary>
/// Stands where the package would repeat requests, and turns every failure into a <see cref="ModelException"/> before the package makes its own, whose
/// messages repeat what the server said: the key, sometimes the prompt.
/// </summary>
internal sealed class OpenAiFailurePolicy(TimeProvider time) : PipelinePolicy
{
    /// <summary>An error says what it has to say in its first bytes.</summary>
    private const int LongestError = 16 * 1024;

    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex) =>
        throw new NotSupportedException("models are asked asynchronously");

    public override async ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        try
        {
            await ProcessNextAsync(message, pipeline, currentIndex);
        }
        catch (Exception exception)
        {
            message.CancellationToken.ThrowIfCancellationRequested();
            var inner = exception is ClientResultException { InnerException: { } cause } ? cause : exception;
            throw message.Response is null ? HttpFailures.WithoutResponse(inner) : OpenAiErrors.Cut(inner);
        }

        if (message.Response is { IsError: true } response)
        {
            var error = await ReadErrorAsync(response, message.CancellationToken);
            throw OpenAiErrors.Of(response.Status, error, RetryAfter(response, time.GetUtcNow()));
        }
    }

    /// <summary>How long to wait: <c>retry-after-ms</c>, or Retry-After in seconds or as a date, which is compared with the server's own clock.</summary>
    private static TimeSpan? RetryAfter(PipelineResponse response, DateTimeOffset now)
    {
        if (double.TryParse(Header(response, "retry-after-ms"), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var milliseconds))
        {
            return TimeSpan.FromMilliseconds(Math.Min(milliseconds, int.MaxValue));
        }

        if (!RetryConditionHeaderValue.TryParse(Header(response, "Retry-After"), out var header))
        {
            return null;
        }

        var wait = header.Delta ?? header.Date - (DateTimeOffset.TryParse(Header(response, "Date"), CultureInfo.InvariantCulture, out var date) ? date : now);
        return wait > TimeSpan.Zero ? wait : null;
    }

    private static string? Header(PipelineResponse response, string name) => response.Headers.TryGetValue(name, out var value) ? value : null;

    /// <summary>The server's error object; null when there is none to read: the status says enough.</summary>
    private static async Task<WireError?> ReadErrorAsync(PipelineResponse response, CancellationToken cancellationToken)
    {
        try
        {
            if (response.ContentStream is not { } content)
            {
                return null;
            }

            var buffer = new byte[LongestError];
            var length = await content.ReadAtLeastAsync(buffer, LongestError, throwOnEndOfStream: false, cancellationToken);
            return JsonSerializer.Deserialize(buffer.AsSpan(0, length), OpenAiJson.Default.WireErrorAnswer)?.Error;
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or JsonException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return null;
        }
    }
}
