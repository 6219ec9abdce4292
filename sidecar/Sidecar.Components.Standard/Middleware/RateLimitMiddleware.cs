using System.Collections.Concurrent;
using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard.Middleware;

/// <summary>
/// <c>middleware.http.ratelimit</c>: a token bucket per client that holds the requests of one second (protocol: config §13). The client is
/// its address, else <c>X-Forwarded-For</c>, else <c>X-Real-IP</c>. A client that is quiet for a second is forgotten, so the table is as
/// large as the number of clients of one second.
/// </summary>
internal sealed class RateLimitMiddleware(ComponentContext context, TimeProvider time) : IHttpMiddleware
{
    private const double DefaultRate = 100;

    private static readonly MiddlewareAnswer Refused = new(429, "You have reached maximum request limit.");

    private readonly ConcurrentDictionary<string, Bucket> _buckets = new(StringComparer.Ordinal);
    private double _rate = DefaultRate;
    private long _swept = time.GetTimestamp();

    public Task InitAsync(CancellationToken cancellationToken)
    {
        if (double.TryParse(context.Metadata.Required("maxRequestsPerSecond"), CultureInfo.InvariantCulture, out var rate) && rate > 0)
        {
            _rate = rate;
        }

        return Task.CompletedTask;
    }

    public ValueTask<MiddlewareAnswer?> HandleAsync(MiddlewareRequest request, CancellationToken cancellationToken)
    {
        var client = request.Client is { Length: > 0 } address ? address : request.Header("X-Forwarded-For") ?? request.Header("X-Real-IP") ?? "";
        var now = time.GetTimestamp();
        Sweep(now);
        return new(_buckets.GetOrAdd(client, static (_, first) => new Bucket(first), (Burst, now)).TryTake(now, _rate, Burst, time) ? null : Refused);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private double Burst => Math.Max(1, Math.Floor(_rate));

    /// <summary>Forgets full buckets, which are as good as new ones.</summary>
    private void Sweep(long now)
    {
        var swept = Interlocked.Read(ref _swept);
        if (time.GetElapsedTime(swept, now) < TimeSpan.FromSeconds(Math.Max(1, Burst / _rate)) || Interlocked.CompareExchange(ref _swept, now, swept) != swept)
        {
            return;
        }

        foreach (var entry in _buckets.Where(entry => entry.Value.IsFull(now, _rate, Burst, time)))
        {
            _buckets.TryRemove(entry);
        }
    }

    private sealed class Bucket((double Tokens, long Now) first)
    {
        private readonly Lock _gate = new();
        private double _tokens = first.Tokens;
        private long _filled = first.Now;

        public bool TryTake(long now, double rate, double burst, TimeProvider time)
        {
            lock (_gate)
            {
                Fill(now, rate, burst, time);
                if (_tokens < 1)
                {
                    return false;
                }

                _tokens--;
                return true;
            }
        }

        public bool IsFull(long now, double rate, double burst, TimeProvider time)
        {
            lock (_gate)
            {
                Fill(now, rate, burst, time);
                return _tokens >= burst;
            }
        }

        private void Fill(long now, double rate, double burst, TimeProvider time)
        {
            if (now > _filled)
            {
                _tokens = Math.Min(burst, _tokens + (time.GetElapsedTime(_filled, now).TotalSeconds * rate));
                _filled = now;
            }
        }
    }
}
