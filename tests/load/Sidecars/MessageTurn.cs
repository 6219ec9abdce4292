using System.Diagnostics;

namespace Load.Sidecars;

/// <summary>
/// The messages of one turn, by number: when each was sent and how often and how soon it was handled. The numbers go on from turn to turn, so
/// that a message of an earlier turn that comes again is not taken for one of this.
/// </summary>
internal sealed class MessageTurn(long first, int most)
{
    private readonly long[] _sent = new long[most];
    private readonly double[] _latencies = new double[most];
    private readonly int[] _handled = new int[most];
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _next;
    private int _expected = int.MaxValue;
    private int _distinct;
    private int _repeated;

    /// <summary>Messages handled at least once.</summary>
    public int Distinct => Volatile.Read(ref _distinct);

    /// <summary>Messages that came once more.</summary>
    public int Repeated => Volatile.Read(ref _repeated);

    /// <summary>The number of the next message; none when the turn has had its most.</summary>
    public long? Send()
    {
        var index = Interlocked.Increment(ref _next) - 1;
        if (index >= most)
        {
            return null;
        }

        Volatile.Write(ref _sent[index], Stopwatch.GetTimestamp());
        return first + index;
    }

    /// <summary>The handler has the message.</summary>
    public void Handle(long number)
    {
        var index = number - first;
        if (index < 0 || index >= most)
        {
            return;
        }

        if (Interlocked.Increment(ref _handled[index]) > 1)
        {
            Interlocked.Increment(ref _repeated);
            return;
        }

        _latencies[index] = Stopwatch.GetElapsedTime(Volatile.Read(ref _sent[index])).TotalMilliseconds;
        CompleteAt(Interlocked.Increment(ref _distinct));
    }

    /// <summary>Everything was published: waits until so many messages were handled, or until the limit.</summary>
    public async Task DrainAsync(int published, TimeSpan limit, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _expected, published);
        CompleteAt(Distinct);
        await Task.WhenAny(_all.Task, Task.Delay(limit, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>From sending to handling, of the messages that were handled; in milliseconds, the shortest first.</summary>
    public double[] Latencies() => [.. _latencies.Where((_, index) => _handled[index] > 0).Order()];

    private void CompleteAt(int distinct)
    {
        if (distinct >= Volatile.Read(ref _expected))
        {
            _all.TrySetResult();
        }
    }
}
