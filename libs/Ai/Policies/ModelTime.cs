namespace Ai.Policies;

/// <summary>A token that ends with the caller's, or when the model has had the time that it gets. Tells afterwards which of the two it was.</summary>
internal sealed class ModelTime : IDisposable
{
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _registration;

    public ModelTime(TimeSpan limit, TimeProvider time, CancellationToken caller)
    {
        _caller = caller;
        _source = new CancellationTokenSource(limit, time);
        _registration = caller.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Lets the model work for so long from now on.</summary>
    public void Resume(TimeSpan limit) => _source.CancelAfter(limit > TimeSpan.Zero ? limit : TimeSpan.Zero);

    /// <summary>The model need not do anything now.</summary>
    public void Pause() => _source.CancelAfter(Timeout.InfiniteTimeSpan);

    /// <summary>
    /// What an exception means where this token was used: the caller's cancellation, which wins when both came at once, or else
    /// <paramref name="failure"/>; null when it has nothing to do with the token. What the provider has told is never covered up.
    /// </summary>
    public Exception? Explain(Exception exception, ModelFailure failure, string message) => exception switch
    {
        ModelException => null,
        _ when _caller.IsCancellationRequested => new OperationCanceledException(exception.Message, exception, _caller),
        _ when _source.IsCancellationRequested => new ModelException(failure, message, exception),
        _ => null,
    };

    public void Dispose()
    {
        _registration.Dispose();
        _source.Dispose();
    }
}
