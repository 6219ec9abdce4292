namespace Sidecar.Redis.Tests;

internal static class Wait
{
    /// <summary>Polls until the condition holds; fails after half a minute.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (var limit = Environment.TickCount64 + 30_000; !await condition();)
        {
            Assert.True(Environment.TickCount64 < limit, "the condition did not come true within 30 s");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));
}
