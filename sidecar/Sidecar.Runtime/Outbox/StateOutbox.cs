using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Runtime.State;

namespace Sidecar.Runtime.Outbox;

/// <summary>
/// The transactional outbox of one state store, as in daprd:
/// 1. each upsert's message goes to an internal topic, 2. the transaction is committed with a row per message, 3. the reader of the internal
/// topic finds the row, 4. publishes the message on its topic and 5. deletes the row; then the internal message is acknowledged.
/// Without the row nothing is published, so a transaction that failed is silent. Whoever dies between two steps leaves the internal message
/// behind, and the next reader goes on from there: the message may come twice, then with the same id.
/// </summary>
public sealed partial class StateOutbox(AppInstance app, string store, OutboxSettings settings, OutboxTransactions transactions, ILogger logger) : IAsyncDisposable
{
    /// <summary>How long a message waits for a row that is not there: its transaction may be on its way to the store.</summary>
    private static readonly TimeSpan MissingRowLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(3);

    /// <summary>Ends pauses at once; <see cref="_stop"/> ends what is being done as well.</summary>
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationTokenSource _stop = new();
    private IAsyncDisposable? _subscription;

    /// <summary>Takes the messages out of a transaction.</summary>
    public OutboxPlan Plan(IReadOnlyList<StateRequest> requests) => OutboxPlan.Of(requests, settings, app);

    /// <summary>Steps 1 and 2. The delegate writes everything at once, the rows included.</summary>
    public Task RunAsync(OutboxPlan plan, Func<Task> commit, CancellationToken cancellationToken)
    {
        var isCommitting = false;
        return plan.Messages.Count == 0 ? commit() : transactions.RunAsync(
            [.. plan.Messages.Select(message => message.Marker)],
            async () =>
            {
                try
                {
                    foreach (var (_, envelope) in plan.Messages)
                    {
                        await app.Publisher.PublishEnvelopeAsync(settings.InternalPubSub, settings.InternalTopic(app.Instance.AppId), envelope, cancellationToken);
                    }
                }
                catch (DaprErrorException exception)
                {
                    throw OutboxErrors.PublishFailed(exception.Message, exception);
                }

                isCommitting = true;
                await commit();
            },
            exception => !isCommitting || exception.InnerException is ETagMismatchException or ETagInvalidException);
    }

    /// <summary>Begins to read the internal topic. Without its component the transactions of the store fail, and say so.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (app.Components.Find<IPubSub>(settings.InternalPubSub) is not { } broker)
        {
            LogNoBroker(logger, app.Instance.AppId, store, settings.InternalPubSub);
            return;
        }

        _subscription = await broker.SubscribeAsync(
                new SubscriptionRequest(settings.InternalTopic(app.Instance.AppId), ComponentMetadata.Empty, HandleAsync), _stop.Token)
            .WaitAsync(cancellationToken);
    }

    /// <summary>Reads nothing more; what is not done is read again after the next start.</summary>
    public async Task StopAsync(TimeSpan drainTimeout)
    {
        if (Interlocked.Exchange(ref _subscription, null) is { } subscription)
        {
            await _closing.CancelAsync();
            _stop.CancelAfter(drainTimeout);
            await subscription.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        _closing.Dispose();
        _stop.Dispose();
    }

    private async Task HandleAsync(IncomingMessage message, CancellationToken cancellationToken)
    {
        string marker;
        DateTimeOffset made;
        try
        {
            (marker, made) = OutboxEnvelope.Read(message.Data);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException)
        {
            LogForeign(logger, app.Instance.AppId, message.Id, message.Topic, exception.Message);
            throw;
        }

        // 3.
        await transactions.WaitAsync(marker, cancellationToken);
        if (!await IsCommittedAsync(marker, made, cancellationToken))
        {
            if (transactions.IsRefused(marker))
            {
                return;
            }

            LogMissing(logger, app.Instance.AppId, marker, store, settings.DiscardWhenMissingState ? "it is discarded" : "the broker delivers it again");
            if (settings.DiscardWhenMissingState)
            {
                return;
            }

            throw new InvalidOperationException($"outbox message '{marker}': no transaction in store '{store}'");
        }

        // 4. and 5. Repeated here and not by the broker, for some drop a message that fails.
        var published = OutboxEnvelope.Publish(message.Data, settings);
        await UntilDoneAsync(
            "publish", marker,
            async token =>
            {
                await app.Publisher.PublishEnvelopeAsync(settings.PublishPubSub, settings.PublishTopic, published, token);
                return true;
            },
            cancellationToken);
        await UntilDoneAsync(
            "delete the row of", marker,
            async token =>
            {
                await app.State.Store(store).WriteAsync(new StateWrite(marker, null), token);
                return true;
            },
            cancellationToken);
    }

    /// <summary>
    /// Whether the row is there. It is waited for while the message is young, and always where the message would be dropped: its
    /// transaction may have been sent by a process that is gone.
    /// </summary>
    private async Task<bool> IsCommittedAsync(string marker, DateTimeOffset made, CancellationToken cancellationToken)
    {
        var begin = app.Time.GetUtcNow();
        var end = transactions.IsRefused(marker) ? begin : (settings.DiscardWhenMissingState ? begin : made) + MissingRowLimit;
        for (var pause = FirstPause; ; pause = Longer(pause))
        {
            var isThere = await UntilDoneAsync(
                "look for the row of", marker, async token => await app.State.Store(store).GetAsync(marker, token) is not null, cancellationToken);
            if (isThere || app.Time.GetUtcNow() >= end)
            {
                return isThere;
            }

            await Task.Delay(pause, app.Time, _closing.Token);
        }
    }

    private async Task<T> UntilDoneAsync<T>(string what, string marker, Func<CancellationToken, Task<T>> step, CancellationToken cancellationToken)
    {
        for (var pause = FirstPause; ; pause = Longer(pause))
        {
            try
            {
                return await step(cancellationToken);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogAgain(logger, app.Instance.AppId, what, marker, exception.Message);
            }

            await Task.Delay(pause, app.Time, _closing.Token);
        }
    }

    private static TimeSpan Longer(TimeSpan pause) => pause * 3 < LongestPause ? pause * 3 : LongestPause;

    [LoggerMessage(2501, LogLevel.Error, "{AppId}: the outbox of state store {Store} needs pub/sub component {PubSub}, which is not there: its transactions fail")]
    private static partial void LogNoBroker(ILogger logger, string appId, string store, string pubSub);

    [LoggerMessage(2502, LogLevel.Error, "{AppId}: message {Id} of {Topic} was not made by an outbox: {Problem}")]
    private static partial void LogForeign(ILogger logger, string appId, string id, string topic, string problem);

    [LoggerMessage(2503, LogLevel.Warning, "{AppId}: outbox message {Marker} has no transaction in store {Store}; {Consequence} (outboxDiscardWhenMissingState)")]
    private static partial void LogMissing(ILogger logger, string appId, string marker, string store, string consequence);

    [LoggerMessage(2504, LogLevel.Warning, "{AppId}: cannot {Step} outbox message {Marker} yet, trying again: {Problem}")]
    private static partial void LogAgain(ILogger logger, string appId, string step, string marker, string problem);
}
