using Ai.Calls;
using Microsoft.Extensions.AI;

namespace Ai.Policies;

/// <summary>
/// Limits the whole call: its queue, its attempts and the waits between them, its fallbacks, and the stream to its end. The time that a stream's reader
/// takes between two pieces does not count: it is no fault of the model, and a slow reader must not lose the end of an answer.
/// </summary>
internal sealed class TotalTimeoutPolicy(TimeProvider time) : IModelPolicy
{
    public PolicyPlace Place => PolicyPlace.TotalTimeout;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        var limit = call.Policy.TotalTimeout;
        var started = time.GetTimestamp();
        var modelTime = new ModelTime(limit, time, cancellationToken);
        var kept = false;
        try
        {
            var answer = await next(call with { Deadline = started + (long)(limit.TotalSeconds * time.TimestampFrequency) }, modelTime.Token);
            if (answer is StreamedAnswer stream)
            {
                modelTime.Pause();
                kept = true;
                stream.Wrap(updates => new TotalWatch(updates, modelTime, time, limit, limit - time.GetElapsedTime(started)));
            }

            return answer;
        }
        catch (Exception exception) when (modelTime.Explain(exception, ModelFailure.TotalTimeout, TooLong(limit)) is { } explained)
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

    private static string TooLong(TimeSpan limit) => $"the call took longer than {limit}";

    private sealed class TotalWatch(IAsyncEnumerator<ChatResponseUpdate> updates, ModelTime modelTime, TimeProvider time, TimeSpan limit, TimeSpan rest)
        : TimedUpdates(updates, modelTime)
    {
        private TimeSpan _rest = rest;
        private long _since;

        protected override void Resume()
        {
            _since = time.GetTimestamp();
            ModelTime.Resume(_rest);
        }

        protected override void Pause()
        {
            ModelTime.Pause();
            _rest -= time.GetElapsedTime(_since);
        }

        protected override Exception? Explain(Exception exception) => ModelTime.Explain(exception, ModelFailure.TotalTimeout, TooLong(limit));
    }
}
