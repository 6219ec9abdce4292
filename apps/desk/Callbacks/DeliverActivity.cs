using System.Text;
using Contracts.Desk;
using Dapr.Workflow;
using Microsoft.Extensions.Options;
using ServiceDefaults.GuardedFetch;
using Webhooks;

namespace Desk.Callbacks;

/// <summary>What an attempt came to.</summary>
/// <param name="Verdict">What follows.</param>
/// <param name="Reason">Status or code, for people; nothing that the receiver wrote.</param>
/// <param name="RetryAfter">The receiver's wish, capped.</param>
public sealed record AttemptOutcome(AttemptVerdict Verdict, string Reason, TimeSpan? RetryAfter = null);

/// <summary>One attempt at a delivery: signed with the time of the attempt, noted in the log. The receiver's failures are outcomes; only our own stores throw.</summary>
public sealed partial class DeliverActivity(
    GuardedPostClient client, SigningSecrets signing, Deliveries deliveries, IOptions<CallbackOptions> options, TimeProvider time, ILogger<DeliverActivity> logger)
    : WorkflowActivity<DeliverActivity.Input, AttemptOutcome>
{
    private const string ContentType = "application/json";

    /// <summary>Input.</summary>
    public sealed record Input(CallbackDue Message, int Attempt);

    public override async Task<AttemptOutcome> RunAsync(WorkflowActivityContext context, Input input)
    {
        var (message, attempt) = (input.Message, input.Attempt);
        if (await deliveries.FindAsync(message.Id, CancellationToken.None) is not { } delivery)
        {
            return new AttemptOutcome(AttemptVerdict.Withdrawn, "whom it answers has deleted the account");
        }

        // Its event came twice and has started the workflow again after its end. A letter that is replayed is pending by now.
        if (delivery.State == DeliveryState.Delivered)
        {
            return new AttemptOutcome(AttemptVerdict.Delivered, "the receiver has it already");
        }

        if (await deliveries.IsGoneAsync(message.Url, CancellationToken.None))
        {
            return new AttemptOutcome(AttemptVerdict.Gone, "the receiver has answered 410 before");
        }

        var secrets = await signing.GetAsync(CancellationToken.None);
        var started = time.GetTimestamp();
        var now = time.GetUtcNow();
        var body = Encoding.UTF8.GetBytes(message.Body);
        var result = await client.PostAsync(message.Url, body, ContentType, Headers(message.Id, now, body, secrets), CancellationToken.None);
        var verdict = DeliveryRules.Judge(result);
        await deliveries.AddAttemptAsync(
            message.Id, new DeliveryAttempt(attempt, now, result.Status, result.Failure?.Code, (long)time.GetElapsedTime(started).TotalMilliseconds),
            isDelivered: verdict == AttemptVerdict.Delivered, CancellationToken.None);
        if (verdict == AttemptVerdict.Gone)
        {
            await deliveries.SetGoneAsync(message.Url, now, CancellationToken.None);
        }

        var reason = result.Failure?.Code ?? $"the receiver answered {result.Status}";
        LogAttempt(logger, message.Id, attempt, verdict, reason);
        return new AttemptOutcome(verdict, reason, result.RetryAfter > options.Value.MaxRetryAfter ? options.Value.MaxRetryAfter : result.RetryAfter);
    }

    private Dictionary<string, string> Headers(Guid id, DateTimeOffset now, byte[] body, IReadOnlyList<WebhookSecret> secrets)
    {
        var headers = new Dictionary<string, string>
        {
            [WebhookHeaders.Id] = $"{id}",
            [WebhookHeaders.Timestamp] = WebhookSignature.Text(now),
            [WebhookHeaders.Signature] = WebhookSignature.Sign($"{id}", now, body, secrets),
        };
        if (options.Value.Format == CallbackFormat.Original)
        {
            headers[OriginalSignature.Header] = OriginalSignature.Sign(now, body, secrets[0]);
            headers[OriginalSignature.IdHeader] = $"{id}";
        }

        return headers;
    }

    [LoggerMessage(2200, LogLevel.Information, "Callback {CallbackId}, attempt {Attempt}: {Verdict}, {Reason}")]
    private static partial void LogAttempt(ILogger logger, Guid callbackId, int attempt, AttemptVerdict verdict, string reason);
}
