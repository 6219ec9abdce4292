using Ai.Calls;

namespace Ai.Caching;

/// <summary>
/// Equal calls that run at the same time travel together: the provider is asked once. A flight belongs to none of its travellers; it is cancelled when
/// the last one has left.
/// </summary>
internal sealed class Flights
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Flight> _flights = new(StringComparer.Ordinal);

    /// <summary>Joins the flight of this key, or starts it. Says whether it was started here.</summary>
    public async ValueTask<(Landing Landing, bool Started)> TravelAsync(
        string key, Func<CancellationToken, ValueTask<Landing>> start, CancellationToken cancellationToken)
    {
        Flight flight;
        bool started;
        lock (_gate)
        {
            started = !_flights.TryGetValue(key, out var running);
            flight = running ?? (_flights[key] = new Flight());
            flight.Travellers++;
        }

        if (started)
        {
            _ = FlyAsync(key, flight, start);
        }

        try
        {
            return (await flight.Landed.Task.WaitAsync(cancellationToken), started);
        }
        catch (ModelException exception) when (!started && IsAboutTheCaller(exception.Failure))
        {
            // The one who asked had no place or no money left; that says nothing about this traveller.
            return await TravelAsync(key, start, cancellationToken);
        }
        finally
        {
            Leave(key, flight);
        }
    }

    private static bool IsAboutTheCaller(ModelFailure failure) => failure is ModelFailure.Busy or ModelFailure.BudgetSpent;

    private async Task FlyAsync(string key, Flight flight, Func<CancellationToken, ValueTask<Landing>> start)
    {
        try
        {
            var landing = await start(flight.Cancel.Token);
            End(key, flight);
            flight.Landed.SetResult(landing);
        }
        catch (Exception exception)
        {
            End(key, flight);
            flight.Landed.SetException(exception);
            // Seen, also when nobody is left to see it.
            _ = flight.Landed.Task.Exception;
        }
    }

    private void Leave(string key, Flight flight)
    {
        lock (_gate)
        {
            if (--flight.Travellers > 0 || flight.Landed.Task.IsCompleted)
            {
                return;
            }

            // Nobody may join a flight that is being cancelled.
            Forget(key, flight);
        }

        flight.Cancel.Cancel();
    }

    private void End(string key, Flight flight)
    {
        lock (_gate)
        {
            Forget(key, flight);
        }
    }

    private void Forget(string key, Flight flight)
    {
        if (_flights.GetValueOrDefault(key) == flight)
        {
            _flights.Remove(key);
        }
    }

    /// <summary>What came of a flight: the answer for the one who started it, and the bytes that the others read theirs from, where there are any.</summary>
    public readonly record struct Landing(ModelAnswer Answer, byte[]? Kept, bool FromStore);

    private sealed class Flight
    {
        public TaskCompletionSource<Landing> Landed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        // Has neither a timer nor a handle, so there is nothing to dispose of.
        public CancellationTokenSource Cancel { get; } = new();

        public int Travellers { get; set; }
    }
}
