namespace Sidecar.Conformance.Tests;

/// <summary>Waits with a generous limit, so that a loaded machine fails no test.</summary>
internal static class Wait
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Looks again whenever one of the signals is released, and now and then for what has none.</summary>
    public static async Task UntilAsync(Func<bool> condition, IEnumerable<SemaphoreSlim>? signals = null)
    {
        using var limit = new CancellationTokenSource(Limit);
        var waited = signals?.ToArray() ?? [];
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await (waited.Length == 1 ? waited[0].WaitAsync(100, limit.Token) : Task.Delay(5, limit.Token));
        }
    }

    /// <summary>Asks again until the answer is yes.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }
}
