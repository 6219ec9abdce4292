using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Ai.Policies;

/// <summary>The pieces of an answer, with a limit to the time that the model takes for them. What the reader takes is not counted.</summary>
internal abstract class TimedUpdates(IAsyncEnumerator<ChatResponseUpdate> updates, ModelTime modelTime) : IAsyncEnumerator<ChatResponseUpdate>
{
    public ChatResponseUpdate Current => updates.Current;

    protected ModelTime ModelTime => modelTime;

    public ValueTask<bool> MoveNextAsync()
    {
        var move = updates.MoveNextAsync();
        return move.IsCompletedSuccessfully ? move : WaitAsync(move);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await updates.DisposeAsync();
        }
        finally
        {
            modelTime.Dispose();
        }
    }

    /// <summary>The model is waited for.</summary>
    protected abstract void Resume();

    /// <summary>A piece is there, or the end.</summary>
    protected abstract void Pause();

    /// <summary>As <see cref="ModelTime.Explain"/>.</summary>
    protected abstract Exception? Explain(Exception exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> WaitAsync(ValueTask<bool> move)
    {
        Resume();
        try
        {
            return await move;
        }
        catch (Exception exception) when (Explain(exception) is { } explained)
        {
            throw explained;
        }
        finally
        {
            Pause();
        }
    }
}
