namespace ServiceDefaults.Identity;

/// <summary>
/// When keys are to be read again: after some time, or earlier when a token named one that is not known, but never before a pause, since
/// anybody can make up names.
/// </summary>
public sealed class KeyReadings
{
    private readonly SemaphoreSlim _wanted = new(0, 1);
    private readonly TimeProvider _time;

    public KeyReadings(VerificationKeys keys, TimeProvider time)
    {
        _time = time;
        keys.Unknown += _ => Want();
    }

    /// <summary>What was asked for until now is answered by the reading that begins.</summary>
    public void Begin() => _wanted.Wait(0, CancellationToken.None);

    /// <summary>Waits for the pause, then until somebody wants the keys, altogether no longer than the limit.</summary>
    public async Task WaitAsync(TimeSpan pause, TimeSpan limit, CancellationToken cancellationToken)
    {
        await Task.Delay(pause, _time, cancellationToken);
        if (limit <= pause)
        {
            return;
        }

        using var timeout = new CancellationTokenSource(limit - pause, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await _wanted.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Time to read them anyway.
        }
    }

    private void Want()
    {
        lock (_wanted)
        {
            if (_wanted.CurrentCount == 0)
            {
                _wanted.Release();
            }
        }
    }
}
