using System.Diagnostics;
using Ai.Calls;

namespace Ai.Policies;

/// <summary>A span and metrics for the call to one model, whatever its end.</summary>
internal sealed class TelemetryPolicy(TimeProvider time) : IModelPolicy
{
    private const string Cancelled = "cancelled";

    public PolicyPlace Place => PolicyPlace.Telemetry;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        var activity = AiTelemetry.Start(call);
        var started = time.GetTimestamp();
        void End(CallEnd end)
        {
            AiTelemetry.Record(call, activity, time.GetElapsedTime(started), end.Usage, end.Error is { } error ? ErrorType(error) : null);
            activity?.Dispose();
        }

        ModelAnswer answer;
        try
        {
            answer = await next(call, cancellationToken);
        }
        catch (Exception exception)
        {
            End(new CallEnd(Usage: null, exception));
            throw;
        }

        answer.WhenEnded(End);
        return answer;
    }

    /// <summary>Bounded: a failure of ours or the name of an exception's type.</summary>
    private static string ErrorType(Exception exception) => exception switch
    {
        ModelException failed => failed.Failure.ToString(),
        OperationCanceledException => Cancelled,
        _ => exception.GetType().FullName!,
    };
}
