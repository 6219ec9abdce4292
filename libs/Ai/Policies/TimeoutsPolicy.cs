using Ai.Calls;
using Microsoft.Extensions.AI;

namespace Ai.Policies;

/// <summary>Limits the wait for the first piece of an answer and between two. The reader may take as long as it likes.</summary>
internal sealed class TimeoutsPolicy(TimeProvider time) : IModelPolicy
{
    public PolicyPlace Place => PolicyPlace.Timeouts;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        var limit = call.Policy.FirstByteTimeout;
        var modelTime = new ModelTime(limit, time, cancellationToken);
        var kept = false;
        try
        {
            var answer = await next(call, modelTime.Token);
            if (answer is StreamedAnswer stream)
            {
                modelTime.Pause();
                kept = true;
                stream.Wrap(updates => new IdleWatch(updates, modelTime, call.Policy.IdleTimeout));
            }

            return answer;
        }
        catch (Exception exception) when (
            modelTime.Explain(exception, ModelFailure.NoFirstByte, $"{call.Model.Id} gave no answer within {limit}") is { } explained)
        {
            throw explained;
        }
        finally
        {
            if (!kept)
            {
                modelTime.Dispose();
            }
        }
    }

    private sealed class IdleWatch(IAsyncEnumerator<ChatResponseUpdate> updates, ModelTime modelTime, TimeSpan limit) : TimedUpdates(updates, modelTime)
    {
        protected override void Resume() => ModelTime.Resume(limit);

        protected override void Pause() => ModelTime.Pause();

        protected override Exception? Explain(Exception exception) =>
            ModelTime.Explain(exception, ModelFailure.Idle, $"the model fell silent for {limit}");
    }
}
