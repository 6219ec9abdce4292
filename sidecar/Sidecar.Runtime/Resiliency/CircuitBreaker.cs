using Sidecar.Runtime.Expressions;

namespace Sidecar.Runtime.Resiliency;

/// <summary>The breaker is open, or its half-open probe is taken: a permanent failure that ends a retry loop.</summary>
public sealed class CircuitOpenException(string message) : Exception(message);

/// <summary>When a closed breaker opens: a condition over its counts (protocol: config §3, <c>trip</c>). One that cannot be evaluated does not trip.</summary>
public sealed class TripCondition
{
    /// <summary>What holds without a word.</summary>
    public const string Default = "consecutiveFailures > 5";

    private readonly CelExpression _condition;

    /// <summary>Throws <see cref="FormatException"/>.</summary>
    public TripCondition(string text) =>
        _condition = CelExpression.Compile(text, "requests", "totalSuccesses", "totalFailures", "consecutiveSuccesses", "consecutiveFailures");

    internal bool Holds(int requests, int successes, int failures, int successesInARow, int failuresInARow) => _condition.IsTrue(
        ("requests", requests), ("totalSuccesses", successes), ("totalFailures", failures), ("consecutiveSuccesses", successesInARow),
        ("consecutiveFailures", failuresInARow));
}

/// <summary>
/// A circuit breaker as Dapr's resiliency has it: closed → open when the trip condition holds on a failure, open → half-open
/// after <c>timeout</c>, half-open → closed after <c>maxRequests</c> successes, back to open on a failure. What was begun before the last
/// change does not count.
/// </summary>
public sealed class CircuitBreaker(int maxRequests, TimeSpan interval, TimeSpan timeout, TripCondition trip, TimeProvider time)
{
    private readonly Lock _lock = new();
    private State _state;
    private long _generation;
    private int _requests;
    private int _successes;
    private int _failures;
    private int _successesInARow;
    private int _failuresInARow;
    private DateTimeOffset _since = time.GetUtcNow();

    private enum State
    {
        Closed,
        Open,
        HalfOpen,
    }

    /// <summary>Takes a permit, to be given back with <see cref="Exit"/>, or throws <see cref="CircuitOpenException"/>.</summary>
    public long Enter()
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

            if (_state == State.Open || (_state == State.HalfOpen && _requests >= maxRequests))
            {
                throw new CircuitOpenException(_state == State.Open ? "circuit breaker is open" : "too many requests");
            }

            _requests++;
            return _generation;
        }
    }

    /// <summary>Gives the permit back with the outcome.</summary>
    public void Exit(long permit, bool succeeded)
    {
        lock (_lock)
        {
            if (permit != _generation)
            {
                return;
            }

            var now = time.GetUtcNow();
            if (succeeded)
            {
                (_successes, _successesInARow, _failuresInARow) = (_successes + 1, _successesInARow + 1, 0);
                if (_state == State.HalfOpen && _successesInARow >= maxRequests)
                {
                    Move(State.Closed, now);
                }

                return;
            }

            (_failures, _failuresInARow, _successesInARow) = (_failures + 1, _failuresInARow + 1, 0);
            if (_state == State.HalfOpen || trip.Holds(_requests, _successes, _failures, _successesInARow, _failuresInARow))
            {
                Move(State.Open, now);
            }
        }
    }

    private void Move(State state, DateTimeOffset now) => (_state, _since, _generation, _requests, _successes, _failures, _successesInARow, _failuresInARow) =
        (state, now, _generation + 1, 0, 0, 0, 0, 0);
}
