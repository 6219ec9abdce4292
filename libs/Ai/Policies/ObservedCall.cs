using System.Diagnostics;
using Microsoft.Extensions.AI;
using Polly.CircuitBreaker;

namespace Ai.Policies;

/// <summary>A call that holds its place in the bulkhead: its span and its metrics, whatever its end.</summary>
internal sealed class ObservedCall(Activity? activity, string model, TimeProvider time, SemaphoreSlim bulkhead) : IDisposable
{
    private const string Cancelled = "cancelled";

    private readonly long _started = time.GetTimestamp();
    private bool _ended;

    /// <summary>Notes that the call has given its whole answer.</summary>
    public void Succeed(UsageDetails? usage) => End(usage, error: null);

    /// <summary>Does a step of the call and notes its failure.</summary>
    public async ValueTask<T> WatchAsync<T>(Func<ValueTask<T>> step)
    {
        try
        {
            return await step();
        }
        catch (BrokenCircuitException exception)
        {
            End(usage: null, "circuit_open");
            throw new ModelException("MODEL_UNAVAILABLE", "the model is paused after repeated failures", isTransient: true, exception);
        }
        catch (Exception exception)
        {
            End(usage: null, ErrorType(exception));
            throw;
        }
    }

    /// <summary>Ends the span and leaves the bulkhead. A stream that its reader left early was cancelled.</summary>
    public void Dispose()
    {
        End(usage: null, Cancelled);
        activity?.Dispose();
        bulkhead.Release();
    }

    /// <summary>Bounded: a code of ours or the name of an exception's type.</summary>
    private static string ErrorType(Exception exception) => exception switch
    {
        ModelException failed => failed.Code,
        OperationCanceledException => Cancelled,
        _ => exception.GetType().FullName!,
    };

    /// <summary>The first end counts.</summary>
    private void End(UsageDetails? usage, string? error)
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        if (error is not null)
        {
            activity?.SetStatus(ActivityStatusCode.Error, error);
            activity?.SetTag("error.type", error);
        }

        AiTelemetry.Record(model, time.GetElapsedTime(_started), usage, error);
    }
}
