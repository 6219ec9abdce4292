namespace Sidecar.Testing.Tests;

/// <summary>Keeps threads from their work for a while, as a busy machine does, until the clock goes on.</summary>
internal sealed class Hold : IDisposable
{
    private static readonly TimeSpan While = TimeSpan.FromMilliseconds(500);

    private readonly ManualResetEventSlim _end = new();

    /// <summary>Whether the clock went on while a thread was held.</summary>
    public bool IsCutShort { get; private set; }

    public void Wait() => IsCutShort |= !_end.IsSet && _end.Wait(While);

    public void End() => _end.Set();

    public void Dispose() => _end.Dispose();
}
