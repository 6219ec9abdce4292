using Ai.Calls;
using Microsoft.Extensions.AI;

namespace Ai.Policies;

/// <summary>Limits the wait for the first piece of an answer and between two. The reader may take as long as it likes.</summary>
internal sealed class TimeoutsPolicy(TimeProvider time) : IModelPolicy
{
    public PolicyPlace Place => PolicyPlace.Timeouts;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        var silence = new CancellationTokenSource(call.Policy.FirstByteTimeout, time);
        var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token);
        try
        {
            var answer = await next(call, either.Token);
            if (answer is StreamedAnswer stream)
            {
                silence.CancelAfter(Timeout.InfiniteTimeSpan);
                stream.Wrap(updates => new Watched(updates, silence, either, call.Policy.IdleTimeout, cancellationToken));
                return stream;
            }

            either.Dispose();
            silence.Dispose();
            return answer;
        }
        catch (Exception exception)
        {
            var tooSlow = exception is OperationCanceledException && !cancellationToken.IsCancellationRequested;
            either.Dispose();
            silence.Dispose();
            if (tooSlow)
            {
                throw new ModelException(ModelFailure.NoFirstByte, $"the model gave no answer within {call.Policy.FirstByteTimeout}", exception);
            }

            throw;
        }
    }

    private sealed class Watched(
        IAsyncEnumerator<ChatResponseUpdate> updates, CancellationTokenSource silence, CancellationTokenSource either, TimeSpan limit,
        CancellationToken cancellationToken) : IAsyncEnumerator<ChatResponseUpdate>
    {
        public ChatResponseUpdate Current => updates.Current;

        public async ValueTask<bool> MoveNextAsync()
        {
            silence.CancelAfter(limit);
            try
            {
                return await updates.MoveNextAsync();
            }
            catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
            {
                throw new ModelException(ModelFailure.Idle, $"the model fell silent for {limit}", exception);
            }
            finally
            {
                silence.CancelAfter(Timeout.InfiniteTimeSpan);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await updates.DisposeAsync();
            either.Dispose();
            silence.Dispose();
        }
    }
}
