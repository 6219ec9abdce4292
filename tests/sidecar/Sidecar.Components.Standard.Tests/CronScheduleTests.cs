using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard.Tests;

public sealed class CronScheduleTests
{
    [Theory]
    [InlineData("@every 90s", "2026-01-31T23:59:30Z", "2026-02-01T00:01:00Z")]
    [InlineData("@daily", "2026-01-31T23:59:30Z", "2026-02-01T00:00:00Z")]
    [InlineData("*/15 * * * *", "2026-01-31T23:46:00Z", "2026-02-01T00:00:00Z")]
    [InlineData("30 0 12 * * MON-FRI", "2026-01-31T00:00:00Z", "2026-02-02T12:00:30Z")]
    [InlineData("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z")]
    [InlineData("0 0 13 * 5", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z")]
    [InlineData("0 0 * * 7", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z")]
    public void Finds_the_next_time(string schedule, string after, string next) =>
        Assert.Equal(Time(next), CronSchedule.Parse(schedule).Next(Time(after)));

    [Theory]
    [InlineData("")]
    [InlineData("* * *")]
    [InlineData("60 * * * *")]
    [InlineData("*/0 * * * *")]
    [InlineData("@every soon")]
    [InlineData("@sometimes")]
    public void Refuses_what_is_no_schedule(string schedule) => Assert.Throws<ComponentException>(() => CronSchedule.Parse(schedule));

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
