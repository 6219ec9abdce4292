namespace Sidecar.Runtime.Resiliency;

/// <summary>The breaker is open, or its half-open probe is taken: a permanent failure that ends a retry loop.</summary>
public sealed class CircuitOpenException(string message) : Exception(message);

/// <summary>
/// A circuit breaker as Dapr's resiliency has it: closed → open when the trip condition holds on a failure, open → half-open
/// after <c>timeout</c>, half-open → closed after <c>maxRequests</c> successes, back to open on a failure.
/// </summary>
public sealed class CircuitBreaker(int maxRequests, TimeSpan interval, TimeSpan timeout, int consecutiveFailures, TimeProvider time)
{
    private readonly Lock _lock = new();
    private State _state;
    private int _failures;
    private int _probes;
    private int _successes;
    private DateTimeOffset _since = time.GetUtcNow();

    private enum State
    {
        Closed,
        Open,
        HalfOpen,
    }

    /// <summary>Takes a permit or throws <see cref="CircuitOpenException"/>.</summary>
    public void Enter()
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (_state == State.Open && now - _since >= timeout)
            {
                Move(State.HalfOpen, now);
            }
            else if (_state == State.Closed && interval > TimeSpan.Zero && now - _since >= interval)
            {
                Move(State.Closed, now);
            }

            switch (_state)
            {
                case State.Open: throw new CircuitOpenException("circuit breaker is open");
                case State.HalfOpen when _probes >= maxRequests: throw new CircuitOpenException("too many requests");
                case State.HalfOpen: _probes++; break;
            }
        }
    }

    /// <summary>Gives the permit back with the outcome.</summary>
    public void Exit(bool succeeded)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (succeeded)
            {
                _failures = 0;
                if (_state == State.HalfOpen && ++_successes >= maxRequests)
                {
                    Move(State.Closed, now);
                }
            }
            else if (_state == State.HalfOpen || (_state == State.Closed && ++_failures > consecutiveFailures))
            {
                Move(State.Open, now);
            }
        }
    }

    private void Move(State state, DateTimeOffset now) => (_state, _since, _failures, _probes, _successes) = (state, now, 0, 0, 0);
}
