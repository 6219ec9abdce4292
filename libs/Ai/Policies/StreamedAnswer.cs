using Microsoft.Extensions.AI;

namespace Ai.Policies;

/// <summary>An answer that arrives in pieces, each of which must come within a time; the reader may take as long as it likes.</summary>
internal sealed class StreamedAnswer : IAsyncDisposable
{
    private readonly TimeSpan _limit;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _silence;
    private readonly CancellationTokenSource _either;
    private readonly IAsyncEnumerator<ChatResponseUpdate> _updates;

    private StreamedAnswer(
        Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> start, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        _limit = limit;
        _cancellationToken = cancellationToken;
        _silence = new CancellationTokenSource(limit, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _silence.Token);
        _updates = start(_either.Token).GetAsyncEnumerator(_either.Token);
    }

    /// <summary>The piece that came last, null after the end.</summary>
    public ChatResponseUpdate? Current { get; private set; }

    /// <summary>Starts an answer and waits for its first piece.</summary>
    public static async ValueTask<StreamedAnswer> OpenAsync(
        Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> start, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        var answer = new StreamedAnswer(start, limit, time, cancellationToken);
        try
        {
            await answer.ReadAsync();
            return answer;
        }
        catch
        {
            await answer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits for the next piece.</summary>
    public async ValueTask<bool> MoveNextAsync()
    {
        _silence.CancelAfter(_limit);
        await ReadAsync();
        return Current is not null;
    }

    public async ValueTask DisposeAsync()
    {
        await _updates.DisposeAsync();
        _either.Dispose();
        _silence.Dispose();
    }

    private async ValueTask ReadAsync()
    {
        try
        {
            Current = await _updates.MoveNextAsync() ? _updates.Current : null;
        }
        catch (OperationCanceledException exception) when (!_cancellationToken.IsCancellationRequested)
        {
            throw PolicyChatClient.TooSlow(_limit, exception);
        }
        finally
        {
            _silence.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }
}
