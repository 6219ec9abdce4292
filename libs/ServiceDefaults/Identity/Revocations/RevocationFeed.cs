using Contracts.Identity;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.Identity;

/// <summary>
/// Keeps <see cref="RevokedTokens"/> true: reads the documents at start, then listens, and reads again whenever
/// <see cref="RevocationHearing"/> has a doubt. Nothing is ever taken out before it has expired, whatever comes in which order.
/// </summary>
internal sealed partial class RevocationFeed : BackgroundService, IHealthCheck
{
    /// <summary>How often the rules are looked at while nothing comes.</summary>
    internal static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(200);

    private readonly RevocationReader _reader;
    private readonly RevokedTokens _revoked;
    private readonly RevocationMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly IdentityOptions _identity;
    private readonly RevocationOptions _options;
    private readonly ILogger<RevocationFeed> _logger;
    private readonly Lock _lock = new();
    private readonly RevocationHearing _hearing;
    private readonly SemaphoreSlim _doubt = new(0, 1);
    private readonly long _start;
    private DateTimeOffset _forgetAt;
    private bool _isFailing;
    private volatile bool _wereKnown;

    public RevocationFeed(
        RevocationReader reader, RevokedTokens revoked, RevocationMetrics metrics, TimeProvider time, IOptions<IdentityOptions> identity,
        IOptions<RevocationOptions> options, ILogger<RevocationFeed> logger)
    {
        (_reader, _revoked, _metrics, _time, _identity, _options, _logger) = (reader, revoked, metrics, time, identity.Value, options.Value, logger);
        _hearing = new RevocationHearing(_options);
        _start = time.GetTimestamp();
        metrics.State = StateNow;
        metrics.HeartbeatAge = HeartbeatAge;
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>A message of auth, in whatever order, however often. Idempotent by id: an id that is known stays known.</summary>
    public void Hear(TokenRevoked message)
    {
        var age = _time.GetUtcNow() - message.Ts;
        if (age > _options.MaxHintAge)
        {
            return;
        }

        Learn(message.Revocations ?? [], "message");
        lock (_lock)
        {
            _hearing.Hear(message, age, Now);
            if (_doubt.CurrentCount == 0)
            {
                _doubt.Release();
            }
        }
    }

    /// <summary>Ready from the moment requests are judged for the first time, which comes just after the documents are read.</summary>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_wereKnown ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("the revocations are not read"));

    /// <summary>Before the documents are read nothing is known.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        _revoked.AreKnown = false;
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            if (IsReadingDue())
            {
                await ReadAsync(stoppingToken);
            }

            Judge();
            await PauseAsync(stoppingToken);
        }
    }

    private bool IsReadingDue()
    {
        lock (_lock)
        {
            return _hearing.IsReadingDue(Now);
        }
    }

    private async Task ReadAsync(CancellationToken stoppingToken)
    {
        TimeSpan begun;
        long doubts;
        lock (_lock)
        {
            begun = Now;
            doubts = _hearing.BeginReading(begun);
        }

        using var timeout = new CancellationTokenSource(_options.ReadTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stoppingToken);
        try
        {
            Learn(await _reader.ReadAsync(either.Token), "store");
            lock (_lock)
            {
                _hearing.EndReading(doubts, begun);
            }

            _metrics.Read(isDone: true);
            _isFailing = false;
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            _metrics.Read(isDone: false);
            if (!_isFailing)
            {
                LogUnreadable(_logger, exception);
            }

            _isFailing = true;
        }
        catch (Exception)
        {
            // The app is stopping, and the client it reads with may be gone already.
        }
    }

    private void Learn(IReadOnlyList<Revocation> revocations, string from)
    {
        var now = _time.GetUtcNow();
        foreach (var revocation in revocations)
        {
            if (revocation.ExpiresAt + (2 * _identity.Leeway) > now && _revoked.Add(revocation.Id, revocation.ExpiresAt))
            {
                _metrics.Learned(revocation, now, from);
            }
        }
    }

    private void Judge()
    {
        bool areKnown;
        lock (_lock)
        {
            areKnown = _hearing.AreKnown(Now);
        }

        if (areKnown != _revoked.AreKnown)
        {
            _revoked.AreKnown = areKnown;
            if (areKnown)
            {
                LogKnown(_logger, _revoked.Count);
            }
            else
            {
                LogUnknown(_logger, _options.UnknownAfter);
            }
        }

        if (areKnown)
        {
            _wereKnown = true;
        }

        var now = _time.GetUtcNow();
        if (now >= _forgetAt)
        {
            _revoked.Forget(now - (2 * _identity.Leeway));
            _forgetAt = now + _options.Refresh;
        }
    }

    /// <summary>Until a message comes or it is time to look again.</summary>
    private async Task PauseAsync(CancellationToken stoppingToken)
    {
        using var tick = new CancellationTokenSource(Tick, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(tick.Token, stoppingToken);
        try
        {
            await _doubt.WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            // Time to look, or the end.
        }
    }

    private int StateNow()
    {
        lock (_lock)
        {
            return !_hearing.AreKnown(Now) ? 2 : _hearing.StateAt(Now) == RevocationFeedState.Listening ? 0 : 1;
        }
    }

    private TimeSpan HeartbeatAge()
    {
        lock (_lock)
        {
            return Now - (_hearing.LastHeard ?? TimeSpan.Zero);
        }
    }

    [LoggerMessage(930, LogLevel.Warning, "The stored revocations could not be read; trying again")]
    private static partial void LogUnreadable(ILogger logger, Exception exception);

    [LoggerMessage(931, LogLevel.Error, "Revocations could not be read for {Time} and messages are missing: tokens are not judged, requests get 503")]
    private static partial void LogUnknown(ILogger logger, TimeSpan time);

    [LoggerMessage(932, LogLevel.Information, "Revocations are known: {Count}")]
    private static partial void LogKnown(ILogger logger, int count);
}
