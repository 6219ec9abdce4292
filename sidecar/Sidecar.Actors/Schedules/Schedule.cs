using System.Globalization;
using System.Text.RegularExpressions;

namespace Sidecar.Actors.Schedules;

/// <summary>When a timer or a reminder falls due (protocol: HTTP §6.2).</summary>
/// <param name="First">The first time.</param>
/// <param name="Period">Time between two; null when there is none.</param>
/// <param name="Repeats">How often in all; -1 without end.</param>
/// <param name="Expires">From when on it does not any more.</param>
internal sealed partial record Schedule(DateTimeOffset First, Interval? Period, int Repeats, DateTimeOffset? Expires)
{
    /// <summary>Reads what was registered; throws <see cref="FormatException"/>. Reminders take no years, months and days in a period.</summary>
    public static Schedule Parse(string dueTime, string period, string ttl, DateTimeOffset now, bool isReminder)
    {
        try
        {
            var first = dueTime.Length == 0 ? now : Instant(dueTime, now);
            var (interval, repeats) = Repetition(period);
            if (isReminder && interval is { HasDate: true })
            {
                throw new FormatException($"period '{period}' has years, months or days");
            }

            DateTimeOffset? expires = ttl.Length == 0 ? null : Instant(ttl, first);
            return expires <= now || expires <= first
                ? throw new FormatException($"ttl '{ttl}' has already expired")
                : new Schedule(first, interval, repeats, expires);
        }
        catch (Exception exception) when (exception is ArgumentOutOfRangeException or OverflowException)
        {
            throw new FormatException("a time is too far away", exception);
        }
    }

    /// <summary>An instant (RFC 3339), or a duration from the start.</summary>
    private static DateTimeOffset Instant(string text, DateTimeOffset start) =>
        Rfc3339().IsMatch(text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant)
            ? instant.ToUniversalTime()
            : Interval.Parse(text).AddTo(start);

    /// <summary>Nothing is once, <c>R3/PT30S</c> three times, <c>R2</c> twice in a row, a period alone for ever. A period of nothing is none.</summary>
    private static (Interval? Period, int Repeats) Repetition(string text)
    {
        if (text.Length == 0)
        {
            return (null, 1);
        }

        if (text[0] != 'R')
        {
            return Interval.Parse(text) is { IsZero: false } endless ? (endless, -1) : (null, 1);
        }

        var parts = text[1..].Split('/', 2);
        return int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var repeats) && repeats > 0
            ? (parts.Length == 1 ? default : Interval.Parse(parts[1]), repeats)
            : throw new FormatException($"period '{text}': the number of repetitions is at least 1");
    }

    [GeneratedRegex(@"\A\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\z")]
    private static partial Regex Rfc3339();
}
