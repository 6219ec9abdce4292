namespace FakeModelServer;

/// <summary>Holds answers back (<see cref="FakeModelOptions.VisionUntil"/>) until it is opened, at the latest when it is disposed of.</summary>
public sealed class Gate : IDisposable
{
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when it is opened.</summary>
    public Task Opened => _opened.Task;

    /// <summary>Lets everything pass from now on.</summary>
    public void Open() => _opened.TrySetResult();

    /// <inheritdoc/>
    public void Dispose() => Open();
}
