using Ai.Calls;

namespace Ai.Admission;

/// <summary>
/// The places of the process and the line before them. A free place goes to the waiting call with the earliest time of arrival, to which each class of
/// priority adds a head start; within a class that is first come, first served. A call whose own user, session or model has no place is passed over and
/// keeps its position. While a place of the process is free, everybody who waits does so for a place of their own.
/// </summary>
internal sealed class AdmissionQueue(AdmissionOptions options, TimeProvider time)
{
    /// <summary>Weight of the latest call in the mean that <see cref="Estimate"/> uses.</summary>
    private const double Weight = 0.1;

    private static readonly int Classes = Enum.GetValues<CallPriority>().Length;

    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter>[] _line = [.. Enumerable.Range(0, Classes).Select(_ => new LinkedList<Waiter>())];
    private readonly Running _models = new();
    private readonly Running _users = new();
    private readonly Running _sessions = new();
    private int _running;
    private int _waiting;
    private double _meanSeconds = 1;

    /// <summary>Takes a place, or waits for one. <see cref="ModelFailure.Busy"/> when the line is too long or the wait.</summary>
    public async ValueTask<AdmissionPlace> EnterAsync(CallLimits limits, CallPriority priority, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Waiter waiter;
        lock (_gate)
        {
            if (IsAdmissible(limits))
            {
                AdmissionMetrics.Admitted(priority, TimeSpan.Zero);
                return Admit(limits);
            }

            if (_waiting >= options.MaxWaiting)
            {
                AdmissionMetrics.Declined(priority, "full", TimeSpan.Zero);
                throw Busy($"{_waiting} calls wait already (Ai:Admission:MaxWaiting)");
            }

            waiter = new Waiter(limits, time.GetTimestamp());
            waiter.Node = _line[(int)priority].AddLast(waiter);
            _waiting++;
        }

        AdmissionMetrics.Waiting(1, priority);
        try
        {
            var place = await waiter.Task.WaitAsync(options.MaxWait, time, cancellationToken);
            AdmissionMetrics.Admitted(priority, time.GetElapsedTime(waiter.Arrived));
            return place;
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            var declined = exception is TimeoutException;
            if (Withdraw(waiter))
            {
                AdmissionMetrics.Declined(priority, declined ? "timeout" : "cancelled", time.GetElapsedTime(waiter.Arrived));
                throw declined ? Busy($"no place within {options.MaxWait} (Ai:Admission:MaxWait)") : exception;
            }

            // The place came at the same moment.
            var place = await waiter.Task;
            if (declined)
            {
                return place;
            }

            place.Leave();
            throw;
        }
        finally
        {
            AdmissionMetrics.Waiting(-1, priority);
        }
    }

    /// <summary>Gives a place back and hands on what became free.</summary>
    internal void Leave(AdmissionPlace place)
    {
        lock (_gate)
        {
            _meanSeconds += Weight * (time.GetElapsedTime(place.Entered).TotalSeconds - _meanSeconds);
            _running--;
            _models.Remove(place.Limits.Model);
            _users.Remove(place.Limits.User);
            _sessions.Remove(place.Limits.Session);
            while (_waiting > 0 && _running < options.MaxConcurrentCalls && Next() is { } next)
            {
                Remove(next);
                next.SetResult(Admit(next.Limits));
            }
        }
    }

    private bool IsAdmissible(in CallLimits limits) =>
        _running < options.MaxConcurrentCalls
        && _models.IsBelow(limits.Model, limits.ModelPlaces)
        && _users.IsBelow(limits.User, options.MaxPerUser)
        && _sessions.IsBelow(limits.Session, options.MaxPerSession);

    private AdmissionPlace Admit(in CallLimits limits)
    {
        _running++;
        _models.Add(limits.Model);
        _users.Add(limits.User);
        _sessions.Add(limits.Session);
        return new AdmissionPlace(this, limits, time.GetTimestamp());
    }

    private Waiter? Next()
    {
        Waiter? next = null;
        var earliest = long.MaxValue;
        var headStart = (long)(options.HeadStart.TotalSeconds * time.TimestampFrequency);
        for (var priority = 0; priority < _line.Length; priority++)
        {
            var node = _line[priority].First;
            while (node is not null && !IsAdmissible(node.Value.Limits))
            {
                node = node.Next;
            }

            if (node is not null && node.Value.Arrived + priority * headStart < earliest)
            {
                earliest = node.Value.Arrived + priority * headStart;
                next = node.Value;
            }
        }

        return next;
    }

    private bool Withdraw(Waiter waiter)
    {
        lock (_gate)
        {
            return Remove(waiter);
        }
    }

    private bool Remove(Waiter waiter)
    {
        if (waiter.Node is not { List: { } line } node)
        {
            return false;
        }

        line.Remove(node);
        _waiting--;
        return true;
    }

    private ModelException Busy(string why) => new(ModelFailure.Busy, $"too many model calls at once: {why}") { RetryAfter = Estimate() };

    /// <summary>When those who wait now will have been served, from the mean time that calls take; whole seconds.</summary>
    private TimeSpan Estimate()
    {
        lock (_gate)
        {
            var rounds = 1 + (double)_waiting / options.MaxConcurrentCalls;
            return TimeSpan.FromSeconds(Math.Clamp(Math.Ceiling(_meanSeconds * rounds), 1, 60));
        }
    }

    private sealed class Waiter(CallLimits limits, long arrived) : TaskCompletionSource<AdmissionPlace>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public CallLimits Limits { get; } = limits;

        public long Arrived { get; } = arrived;

        public LinkedListNode<Waiter>? Node { get; set; }
    }
}
