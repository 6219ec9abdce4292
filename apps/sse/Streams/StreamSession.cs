using System.Buffers;
using System.IO.Pipelines;
using Contracts.Jobs;

namespace Sse.Streams;

/// <summary>
/// Sends one client the log of its job: every event once, in order. The next number is sent on as it comes; anything else
/// makes the session read the log, so that a lost, late, doubled or reordered hint costs time and never an event.
/// </summary>
internal sealed partial class StreamSession(JobLogReader reader, JobStream stream, PipeWriter output, ILogger logger)
{
    private bool _ended;

    /// <summary>Runs until the job or the stream ends or the client is gone.</summary>
    // (12) docs/architecture.md: the log, in order, to one client.
    public async Task RunAsync(EventFrame opening, IReadOnlyList<JobEvent> history, CancellationToken cancellationToken)
    {
        output.Write(opening.Bytes.Span);
        Send(history);
        await output.FlushAsync(cancellationToken);

        while (!_ended && await stream.Queue.WaitToReadAsync(cancellationToken))
        {
            while (!_ended && stream.Queue.TryRead(out var frame))
            {
                await SendAsync(frame, cancellationToken);
            }

            await output.FlushAsync(cancellationToken);
        }
    }

    private async ValueTask SendAsync(EventFrame frame, CancellationToken cancellationToken)
    {
        if (frame.Seq == 0)
        {
            output.Write(frame.Bytes.Span);
        }
        else if (frame.Seq == stream.Next)
        {
            Send(frame);
        }
        else if (frame.Seq > stream.Next)
        {
            await CatchUpAsync(cancellationToken);
        }
    }

    /// <summary>Sends what the log has and the client has not. A failed read is made up for by the next hint or keep-alive.</summary>
    private async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await reader.ReadHeadAsync(stream.JobId, cancellationToken) is { } head)
            {
                Send(await reader.ReadEntriesAsync(head, stream.Next - 1, cancellationToken));
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogReadFailed(logger, exception, stream.JobId, stream.Next);
        }
    }

    private void Send(IReadOnlyList<JobEvent> entries)
    {
        foreach (var entry in entries)
        {
            if (!_ended && entry.Seq == stream.Next)
            {
                Send(EventFrame.Of(entry));
            }
        }
    }

    private void Send(EventFrame frame)
    {
        output.Write(frame.Bytes.Span);
        stream.Next = frame.Seq + 1;
        _ended = frame.EndsJob;
    }

    [LoggerMessage(1201, LogLevel.Warning, "Log of job {JobId} could not be read from {Seq}; its stream waits for the next hint or keep-alive")]
    private static partial void LogReadFailed(ILogger logger, Exception exception, Guid jobId, long seq);
}
