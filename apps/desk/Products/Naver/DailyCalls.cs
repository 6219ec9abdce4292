using System.Globalization;
using Contracts;
using Dapr;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Desk.Products.Naver;

/// <summary>Requests of a day that have been set aside by replicas; more than were made.</summary>
public sealed record CallsOfDay(int Used);

/// <summary>
/// Counts the requests of a day in Korea for all replicas, so that they never make more than allowed: each sets aside some at a time in one document
/// (<c>naver-calls:{day}</c>, under its etag) and counts those by itself. What is set aside and not used, after a crash or at the end of a day, is lost.
/// </summary>
public sealed partial class DailyCalls(DaprClient dapr, IOptions<NaverOptions> options, TimeProvider time, ILogger<DailyCalls> logger)
{
    private readonly NaverOptions _options = options.Value;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private DateOnly _day;
    private int _left;
    private volatile int _used;

    /// <summary>Share of the day's requests that is set aside, as this replica last heard.</summary>
    public double UsedShare => _day == Today ? (double)_used / _options.DailyLimit : 0;

    private DateOnly Today => KoreanDay.Of(time.GetUtcNow());

    /// <summary>Takes one of the day's requests; throws <see cref="ProductSearchException"/> when there is none, or none can be counted.</summary>
    public async Task TakeAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            Turn();
            if (_left == 0 && _used < _options.DailyLimit)
            {
                await ReserveAsync(cancellationToken);
            }

            if (_left == 0)
            {
                throw new ProductSearchException(
                    ProductSearchFailure.DayLimitReached, string.Create(CultureInfo.InvariantCulture, $"the {_options.DailyLimit} requests of the day are used up"));
            }

            _left--;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Naver says that the day's quota is spent: no replica asks again today.</summary>
    public async Task ExhaustAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            Turn();
            _left = 0;
            if (_used < _options.DailyLimit)
            {
                // For this replica at once, whatever becomes of the document.
                _used = _options.DailyLimit;
                LogUsedUp(_day);
                await UpdateAsync(stored => stored?.Used >= _options.DailyLimit ? stored : new CallsOfDay(_options.DailyLimit), cancellationToken);
            }
        }
        catch (DaprException exception)
        {
            LogNotShared(exception);
        }
        finally
        {
            _gate.Release();
        }
    }

    private void Turn()
    {
        if (Today is var today && today != _day)
        {
            (_day, _left, _used) = (today, 0, 0);
        }
    }

    private async Task ReserveAsync(CancellationToken cancellationToken)
    {
        var granted = 0;
        try
        {
            // Met again after an answer was lost, its own result counts as somebody else's: that wastes requests and never makes too many.
            var stored = await UpdateAsync(
                known =>
                {
                    var used = known?.Used ?? 0;
                    granted = Math.Clamp(_options.DailyLimit - used, 0, _options.DailyBlock);
                    return granted == 0 ? known! : new CallsOfDay(used + granted);
                },
                cancellationToken);
            (_left, _used) = (granted, stored.Used);
        }
        catch (Exception exception) when (exception is DaprException or HttpRequestException)
        {
            throw new ProductSearchException(ProductSearchFailure.CounterAway, "the requests of the day cannot be counted", exception);
        }

        if (_used >= _options.DailyLimit)
        {
            LogUsedUp(_day);
        }
    }

    private Task<CallsOfDay> UpdateAsync(Func<CallsOfDay?, CallsOfDay> change, CancellationToken cancellationToken) => dapr.UpdateStateAsync(
        Components.StateStore, $"naver-calls:{_day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}", change, _options.CountKept, cancellationToken);

    [LoggerMessage(2246, LogLevel.Warning, "The requests of {Day} to Naver are used up or set aside; there are no new searches until midnight in Korea")]
    private partial void LogUsedUp(DateOnly day);

    [LoggerMessage(2247, LogLevel.Warning, "The other replicas are not told that Naver's quota is spent")]
    private partial void LogNotShared(Exception exception);
}
