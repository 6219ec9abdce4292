using Contracts;
using Contracts.Identity;
using Dapr.Client;
using Microsoft.Extensions.Options;

namespace Auth.Revocations;

/// <summary>
/// Tells every app that verifies tokens what was revoked, at once, and once a second that this replica is there. What could not be published
/// goes with the next message; the number of the failed one stays missing, so that readers look into the documents in any case.
/// </summary>
internal sealed partial class RevocationAnnouncer(
    DaprClient dapr, TimeProvider time, IOptions<AuthOptions> options, ILogger<RevocationAnnouncer> logger) : BackgroundService
{
    /// <summary>Most revocations of a message (about 80 KB), and most that wait for the broker.</summary>
    internal const int MaxRevocations = 500;

    private readonly Lock _lock = new();
    private readonly List<Revocation> _waiting = [];
    private readonly SemaphoreSlim _wanted = new(0, 1);
    private long _sequence;
    private bool _isAway;

    /// <summary>This process.</summary>
    public Guid Source { get; } = Guid.NewGuid();

    /// <summary>Publishes them soon.</summary>
    public void Announce(IReadOnlyCollection<Revocation> revocations)
    {
        lock (_lock)
        {
            Wait(_waiting.Count, revocations);
            if (_wanted.CurrentCount == 0)
            {
                _wanted.Release();
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await PublishAsync(isLeaving: false, stoppingToken);
            await PauseAsync(stoppingToken);
        }

        // The server has stopped, nothing is revoked any more: readers need not wonder about the silence.
        await PublishAsync(isLeaving: true, CancellationToken.None);
        LogStopped(logger, _waiting.Count);
    }

    /// <summary>One message with all that waits.</summary>
    private async Task PublishAsync(bool isLeaving, CancellationToken cancellationToken)
    {
        TokenRevoked message;
        lock (_lock)
        {
            message = new TokenRevoked(Source, ++_sequence, time.GetUtcNow(), [.. _waiting], isLeaving);
            _waiting.Clear();
        }

        using var timeout = new CancellationTokenSource(options.Value.AnnouncementTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await dapr.PublishEventAsync(Components.Broadcast, IdentityTopics.TokenRevoked, message, either.Token);
            if (_isAway)
            {
                LogBack(logger);
            }

            _isAway = false;
        }
        catch (Exception exception)
        {
            lock (_lock)
            {
                Wait(0, message.Revocations);
            }

            if (!_isAway && !cancellationToken.IsCancellationRequested)
            {
                LogAway(logger, exception, message.Revocations.Count);
                _isAway = true;
            }
        }
    }

    /// <summary>Beyond what can wait the oldest are left out, and a number too: readers miss it and look into the documents.</summary>
    private void Wait(int index, IReadOnlyCollection<Revocation> revocations)
    {
        _waiting.InsertRange(index, revocations);
        if (_waiting.Count > MaxRevocations)
        {
            _waiting.RemoveRange(0, _waiting.Count - MaxRevocations);
            _sequence++;
        }
    }

    /// <summary>Until the next heartbeat, or until something is revoked unless the broker is away.</summary>
    private async Task PauseAsync(CancellationToken stoppingToken)
    {
        using var heartbeat = new CancellationTokenSource(options.Value.Heartbeat, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(heartbeat.Token, stoppingToken);
        try
        {
            await (_isAway ? Task.Delay(Timeout.InfiniteTimeSpan, either.Token) : _wanted.WaitAsync(either.Token));
        }
        catch (OperationCanceledException)
        {
            // Time for a heartbeat, or the end.
        }
    }

    [LoggerMessage(2041, LogLevel.Warning, "token-revoked cannot be published, {Count} revocations wait; readers see them in the documents")]
    private static partial void LogAway(ILogger logger, Exception exception, int count);

    [LoggerMessage(2042, LogLevel.Information, "token-revoked is published again, with all that waited")]
    private static partial void LogBack(ILogger logger);

    [LoggerMessage(2043, LogLevel.Information, "Heartbeats of revocations stop, {Count} unannounced: the app is stopping")]
    private static partial void LogStopped(ILogger logger, int count);
}
