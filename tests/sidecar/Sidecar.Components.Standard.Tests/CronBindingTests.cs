using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard.Tests;

public sealed class CronBindingTests
{
    [Fact]
    public async Task A_delay_that_ends_early_does_not_repeat_the_second()
    {
        var clock = new EarlyClock();
        var ticks = new List<DateTimeOffset>();
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var binding = new CronBinding(
            new ComponentContext("cron", "bindings.cron", "v1", new ComponentMetadata([new("schedule", "* * * * * *")]), "app", 0, "/", "/", null!), clock);
        await binding.InitAsync(CancellationToken.None);

        await using var reading = await binding.ReadAsync(
            (message, token) =>
            {
                ticks.Add(DateTimeOffset.Parse(message.Metadata["readTimeUTC"]!, CultureInfo.InvariantCulture));
                if (ticks.Count < 3)
                {
                    return Task.CompletedTask;
                }

                enough.TrySetResult();
                return Task.Delay(Timeout.InfiniteTimeSpan, token);
            },
            CancellationToken.None);
        await enough.Task.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.All(ticks.Zip(ticks.Skip(1)), pair => Assert.InRange((pair.Second - pair.First).TotalSeconds, 0.9, 1.1));
    }

    /// <summary>Every delay ends at once, with the clock a millisecond before its due time.</summary>
    private sealed class EarlyClock : TimeProvider
    {
        private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => _now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _now += dueTime > TimeSpan.FromMilliseconds(1) ? dueTime - TimeSpan.FromMilliseconds(1) : TimeSpan.Zero;
            return System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }
}
