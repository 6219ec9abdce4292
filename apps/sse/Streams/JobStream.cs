using System.Threading.Channels;
using ServiceDefaults.Identity;

namespace Sse.Streams;

/// <summary>One client's stream as the hub sees it: a bounded queue and where the client is.</summary>
internal sealed class JobStream(Guid jobId, Identity identity, long next, int queueLength)
{
    private readonly Channel<EventFrame> _queue = Channel.CreateBounded<EventFrame>(
        new BoundedChannelOptions(queueLength) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly CancellationTokenSource _cut = new();
    private long _next = next;
    private long _lastEvent;

    public Guid JobId { get; } = jobId;

    public string UserId => Identity.UserId;

    /// <summary>Whom the token that opened the stream speaks for, and until when.</summary>
    public Identity Identity { get; } = identity;

    /// <summary>Which tenth of the keep-alive interval serves this stream.</summary>
    public int Slice { get; set; }

    /// <summary>Position in its group; the hub's.</summary>
    public int Index { get; set; } = -1;

    /// <summary>Number of the event that is sent next.</summary>
    public long Next
    {
        get => Volatile.Read(ref _next);
        set => Volatile.Write(ref _next, value);
    }

    /// <summary>Timestamp of the last event that was offered.</summary>
    public long LastEvent => Volatile.Read(ref _lastEvent);

    /// <summary>What waits to be sent; completes when the stream shall end.</summary>
    public ChannelReader<EventFrame> Queue => _queue.Reader;

    /// <summary>Cancelled when the stream is cut because its client does not read.</summary>
    public CancellationToken CutOff => _cut.Token;

    /// <summary>
    /// Queues a frame. A full queue cuts the stream: nothing is skipped, the client resumes at the last event it has got.
    /// False when the frame was not taken.
    /// </summary>
    public bool Offer(EventFrame frame, long timestamp)
    {
        if (frame.Seq > 0)
        {
            Volatile.Write(ref _lastEvent, timestamp);
        }

        if (_queue.Writer.TryWrite(frame))
        {
            return true;
        }

        if (_queue.Writer.TryComplete())
        {
            // Not inline: the caller holds the group's lock, which the ending stream needs to leave it.
            _ = _cut.CancelAsync();
        }

        return false;
    }

    /// <summary>Ends the stream after what is queued; the client resumes elsewhere.</summary>
    public void End() => _queue.Writer.TryComplete();
}
