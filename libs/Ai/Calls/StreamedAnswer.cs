using Ai.Catalogue;
using Microsoft.Extensions.AI;

namespace Ai.Calls;

/// <summary>
/// An answer in pieces whose first one has arrived. It has one reader, who disposes of it; whichever way it ends, everybody who asked hears of it once.
/// </summary>
public sealed class StreamedAnswer : ModelAnswer, IAsyncDisposable
{
    private readonly List<Action<CallEnd>> _ends = [];
    private IAsyncEnumerator<ChatResponseUpdate> _updates;
    private UsageDetails? _usage;
    private bool _hasCurrent;
    private CallEnd? _end;

    private StreamedAnswer(ModelInfo model, IAsyncEnumerator<ChatResponseUpdate> updates) : base(model) => _updates = updates;

    /// <summary>The piece that is there; the first one after <see cref="OpenAsync"/>. Null after the end.</summary>
    public ChatResponseUpdate? Current => _hasCurrent ? _updates.Current : null;

    /// <summary>Starts to read and waits for the first piece. A failure before it is the caller's, who may try again.</summary>
    public static async ValueTask<StreamedAnswer> OpenAsync(
        ModelInfo model, IAsyncEnumerable<ChatResponseUpdate> updates, CancellationToken cancellationToken)
    {
        var answer = new StreamedAnswer(model, updates.GetAsyncEnumerator(cancellationToken));
        try
        {
            await answer.MoveNextAsync();
            return answer;
        }
        catch
        {
            await answer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits for the next piece; false at the end. A failure ends the answer and is thrown.</summary>
    public async ValueTask<bool> MoveNextAsync()
    {
        try
        {
            _hasCurrent = await _updates.MoveNextAsync();
        }
        catch (Exception exception)
        {
            _hasCurrent = false;
            End(exception);
            throw;
        }

        if (!_hasCurrent)
        {
            End(error: null);
            return false;
        }

        foreach (var content in _updates.Current.Contents)
        {
            _usage = content is UsageContent usage ? usage.Details : _usage;
        }

        return true;
    }

    /// <summary>
    /// Puts something between the answer and its readers. <paramref name="wrap"/> gets the enumerator, on whose first piece it stands, and answers one that
    /// stands on its first piece too and disposes of the inner one.
    /// </summary>
    public void Wrap(Func<IAsyncEnumerator<ChatResponseUpdate>, IAsyncEnumerator<ChatResponseUpdate>> wrap) => _updates = wrap(_updates);

    /// <inheritdoc/>
    public override void WhenEnded(Action<CallEnd> act)
    {
        if (_end is not null)
        {
            act(_end);
        }
        else
        {
            _ends.Add(act);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _updates.DisposeAsync();
        }
        finally
        {
            _hasCurrent = false;
            End(new OperationCanceledException("the reader left before the end"));
        }
    }

    private void End(Exception? error)
    {
        if (_end is not null)
        {
            return;
        }

        _end = new CallEnd(_usage, error);
        // Those that asked first stand nearer to the provider and hear first, as from a finally block.
        foreach (var act in _ends)
        {
            act(_end);
        }
    }
}
