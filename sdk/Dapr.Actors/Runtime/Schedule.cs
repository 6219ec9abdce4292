using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml;

namespace Dapr.Actors.Runtime;

/// <summary>Times of timers and reminders as text (dapr-sdk §6.2, HTTP §6.2).</summary>
internal static partial class Schedule
{
    /// <summary>What stands for "no further turn".</summary>
    public static readonly TimeSpan Never = TimeSpan.FromMilliseconds(-1);

    public static void Check(TimeSpan dueTime, TimeSpan period, TimeSpan? ttl)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(period, Never);
        if (ttl is { } time)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero, nameof(ttl));
        }
    }

    /// <summary><c>{h}h{m}m{s}s{ms}ms</c>, hours without limit; empty when negative.</summary>
    public static string Format(TimeSpan time) => time < TimeSpan.Zero
        ? ""
        : string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours}h{time.Minutes}m{time.Seconds}s{time.Milliseconds}ms");

    /// <summary>A period of so many turns is ISO 8601: <c>R3/PT1M</c>.</summary>
    public static string FormatPeriod(TimeSpan period, int? repetitions) => repetitions is { } count
        ? $"R{count.ToString(CultureInfo.InvariantCulture)}{(period < TimeSpan.Zero ? "" : "/" + XmlConvert.ToString(period))}"
        : Format(period);

    /// <summary>Reads what a sidecar may say: a Go duration, an ISO 8601 duration with or without repetitions, or an instant.</summary>
    public static (TimeSpan Time, int? Repetitions) Parse(string? text, TimeSpan absent)
    {
        if (string.IsNullOrEmpty(text))
        {
            return (absent, null);
        }

        int? repetitions = null;
        if (Repeated().Match(text) is { Success: true } repeated)
        {
            repetitions = int.Parse(repeated.Groups[1].Value, CultureInfo.InvariantCulture);
            text = text[repeated.Length..];
        }

        return (text switch
        {
            "" => absent,
            ['P', ..] => XmlConvert.ToTimeSpan(text),
            _ when GoDuration().IsMatch(text) => FromGo(text),
            _ when DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out var instant) => Max(instant - TimeProvider.System.GetUtcNow(), TimeSpan.Zero),
            _ => throw new FormatException($"'{text}' is not a duration."),
        }, repetitions);
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static TimeSpan FromGo(string text)
    {
        var seconds = GoPart().Matches(text).Sum(part => double.Parse(part.Groups[1].Value, CultureInfo.InvariantCulture) * part.Groups[2].Value switch
        {
            "h" => 3600,
            "m" => 60,
            "s" => 1,
            "ms" => 1e-3,
            "ns" => 1e-9,
            _ => 1e-6,
        });
        return TimeSpan.FromSeconds(text[0] == '-' ? -seconds : seconds);
    }

    [GeneratedRegex(@"^R(\d+)/?")]
    private static partial Regex Repeated();

    [GeneratedRegex(@"^[+-]?(0|(\d+(\.\d*)?(h|ms|m|s|us|µs|ns))+)$")]
    private static partial Regex GoDuration();

    [GeneratedRegex(@"(\d+(?:\.\d*)?)(h|ms|m|s|us|µs|ns)")]
    private static partial Regex GoPart();
}
