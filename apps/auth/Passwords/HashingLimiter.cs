using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Auth.Passwords;

/// <summary>
/// Lets one password be hashed at a time, so that wrong ones cost at most one core of a replica however many are sent; a bounded number wait, the
/// rest are refused at once.
/// </summary>
internal sealed class HashingLimiter(IOptions<PasswordOptions> options) : IDisposable
{
    private readonly ConcurrencyLimiter _limiter = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = 1,
        QueueLimit = options.Value.HashingQueue,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    private int _running;
    private int _mostRunning;
    private long _hashed;
    private long _refused;

    /// <summary>Most hashes that ever ran at the same time.</summary>
    public int MostRunning => _mostRunning;

    /// <summary>Hashes so far.</summary>
    public long Hashed => Interlocked.Read(ref _hashed);

    /// <summary>Requests that found the queue full.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>The right to hash; null when too many wait already. Whoever has it gives it back by disposing it.</summary>
    public async ValueTask<IDisposable?> EnterAsync(CancellationToken cancellationToken)
    {
        var lease = await _limiter.AcquireAsync(1, cancellationToken);
        if (lease.IsAcquired)
        {
            return lease;
        }

        lease.Dispose();
        Interlocked.Increment(ref _refused);
        return null;
    }

    /// <summary>Hashes, away from the threads that serve requests. The caller is inside, see <see cref="EnterAsync"/>.</summary>
    public Task<T> HashAsync<T>(Func<T> hash) => Task.Run(() =>
    {
        var running = Interlocked.Increment(ref _running);
        _mostRunning = Math.Max(_mostRunning, running);
        Interlocked.Increment(ref _hashed);
        try
        {
            return hash();
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    });

    public void Dispose() => _limiter.Dispose();
}
