using System.Globalization;

namespace Tandem.Protocol.Grpc;

/// <summary>The <c>grpc-timeout</c> header: at most eight digits and one unit of <c>H M S m u n</c>.</summary>
internal static class GrpcTimeout
{
    /// <summary>The longest wait a timer takes (about 49 days); a deadline further away is none in practice.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private const long LargestValue = 99_999_999;

    public static bool TryParse(string value, out TimeSpan timeout)
    {
        timeout = default;
        if (value.Length is < 2 or > 9
            || !long.TryParse(value.AsSpan(0, value.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var amount))
        {
            return false;
        }

        switch (value[^1])
        {
            case 'H': timeout = TimeSpan.FromTicks(amount * TimeSpan.TicksPerHour); return true;
            case 'M': timeout = TimeSpan.FromTicks(amount * TimeSpan.TicksPerMinute); return true;
            case 'S': timeout = TimeSpan.FromTicks(amount * TimeSpan.TicksPerSecond); return true;
            case 'm': timeout = TimeSpan.FromTicks(amount * TimeSpan.TicksPerMillisecond); return true;
            case 'u': timeout = TimeSpan.FromTicks(amount * TimeSpan.TicksPerMicrosecond); return true;
            case 'n': timeout = TimeSpan.FromTicks(amount / TimeSpan.NanosecondsPerTick); return true;
            default: return false;
        }
    }

    /// <summary>Rounds up to whole milliseconds and goes to a coarser unit when eight digits do not hold them.</summary>
    public static string Format(TimeSpan timeout)
    {
        var milliseconds = Math.Max(1, (long)Math.Ceiling(timeout.TotalMilliseconds));
        if (milliseconds <= LargestValue)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{milliseconds}m");
        }

        var seconds = milliseconds / 1000;
        return seconds <= LargestValue
            ? string.Create(CultureInfo.InvariantCulture, $"{seconds}S")
            : string.Create(CultureInfo.InvariantCulture, $"{Math.Min(LargestValue, seconds / 3600)}H");
    }
}
