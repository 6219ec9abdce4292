namespace ServiceDefaults;

/// <summary>Calendar days of Korea, which rewards and quotas go by: UTC+9 all year.</summary>
public static class KoreanDay
{
    private static readonly TimeSpan Offset = TimeSpan.FromHours(9);

    /// <summary>The day of a moment.</summary>
    public static DateOnly Of(DateTimeOffset at) => DateOnly.FromDateTime(at.ToOffset(Offset).DateTime);

    /// <summary>Time until the next day begins.</summary>
    public static TimeSpan Left(DateTimeOffset at) => TimeSpan.FromDays(1) - at.ToOffset(Offset).TimeOfDay;
}
