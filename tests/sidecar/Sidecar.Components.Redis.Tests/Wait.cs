namespace Sidecar.Components.Redis.Tests;

/// <summary>Waits with a generous limit, so that a loaded machine fails no test.</summary>
internal static class Wait
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Looks again until it holds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }
}
