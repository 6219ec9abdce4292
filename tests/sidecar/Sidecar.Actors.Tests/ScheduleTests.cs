using Sidecar.Actors.Schedules;

namespace Sidecar.Actors.Tests;

/// <summary>Formats of times (protocol: HTTP §6.2).</summary>
public sealed class ScheduleTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 31, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("", "2026-01-31T00:00:00Z")]
    [InlineData("0s", "2026-01-31T00:00:00Z")]
    [InlineData("0h0m5s0ms", "2026-01-31T00:00:05Z")]
    [InlineData("1h30m", "2026-01-31T01:30:00Z")]
    [InlineData("PT5S", "2026-01-31T00:00:05Z")]
    [InlineData("PT0.5S", "2026-01-31T00:00:00.5Z")]
    [InlineData("P1M", "2026-02-28T00:00:00Z")]
    [InlineData("P1W2DT3H", "2026-02-09T03:00:00Z")]
    [InlineData("2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z")]
    public void Due_times(string text, string expected) =>
        Assert.Equal(DateTimeOffset.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), Schedule.Parse(text, "", "", Now, isReminder: true).First);

    [Theory]
    [InlineData("", 1, null)]
    [InlineData("0h0m0s0ms", 1, null)]
    [InlineData("10s", -1, "00:00:10")]
    [InlineData("PT1M", -1, "00:01:00")]
    [InlineData("R3/PT30S", 3, "00:00:30")]
    [InlineData("R2", 2, "00:00:00")]
    public void Periods(string text, int repeats, string? period)
    {
        var schedule = Schedule.Parse("", text, "", Now, isReminder: true);

        Assert.Equal((repeats, period), (schedule.Repeats, schedule.Period?.Time.ToString()));
    }

    [Theory]
    [InlineData("5", "", "")]
    [InlineData("soon", "", "")]
    [InlineData("-5s", "", "")]
    [InlineData("P", "", "")]
    [InlineData("PT", "", "")]
    [InlineData("P9999999Y", "", "")]
    [InlineData("", "R0", "")]
    [InlineData("", "R0/PT1S", "")]
    [InlineData("", "R/PT1S", "")]
    [InlineData("", "P1D", "")]
    [InlineData("", "", "0s")]
    [InlineData("", "", "2025-01-01T00:00:00Z")]
    [InlineData("2026-03-01T00:00:00Z", "", "2026-02-01T00:00:00Z")]
    public void What_is_refused(string dueTime, string period, string ttl) =>
        Assert.Throws<FormatException>(() => Schedule.Parse(dueTime, period, ttl, Now, isReminder: true));

    [Fact]
    public void Timers_take_days_in_a_period() => Assert.Equal(Now.AddDays(1), Schedule.Parse("", "P1D", "", Now, isReminder: false).Period!.Value.AddTo(Now));

    [Fact]
    public void A_time_to_live_counts_from_the_first_time() =>
        Assert.Equal(Now.AddSeconds(15), Schedule.Parse("5s", "1s", "10s", Now, isReminder: true).Expires);
}
