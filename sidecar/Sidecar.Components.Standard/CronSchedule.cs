using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard;

/// <summary>
/// A schedule as <c>bindings.cron</c> takes it: <c>@every 5s</c>, <c>@hourly</c> and its kin, or five or six cron fields (seconds first when
/// six). Times are UTC. The package Cronos would replace this class.
/// </summary>
internal sealed class CronSchedule
{
    private static readonly (string Name, string Fields)[] Descriptors =
    [
        ("@yearly", "0 0 0 1 1 *"), ("@annually", "0 0 0 1 1 *"), ("@monthly", "0 0 0 1 * *"), ("@weekly", "0 0 0 * * 0"),
        ("@daily", "0 0 0 * * *"), ("@midnight", "0 0 0 * * *"), ("@hourly", "0 0 * * * *"),
    ];

    private static readonly string[] Months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    private static readonly string[] Days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

    private readonly TimeSpan? _every;
    private readonly bool[][] _fields = [];
    private readonly bool _anyDay;
    private readonly bool _anyWeekday;

    private CronSchedule(TimeSpan every) => _every = every;

    private CronSchedule(string[] parts)
    {
        _fields =
        [
            Field(parts[0], 0, 59, []), Field(parts[1], 0, 59, []), Field(parts[2], 0, 23, []), Field(parts[3], 1, 31, []),
            Field(parts[4], 1, 12, Months), Field(parts[5], 0, 7, Days),
        ];
        _fields[5][0] |= _fields[5][7];
        _anyDay = parts[3] is "*" or "?";
        _anyWeekday = parts[5] is "*" or "?";
    }

    /// <summary>Parses; throws <see cref="ComponentException"/>.</summary>
    public static CronSchedule Parse(string text)
    {
        text = text.Trim();
        if (text.StartsWith("@every ", StringComparison.Ordinal))
        {
            return GoDuration.TryParse(text["@every ".Length..], out var every) && every > TimeSpan.Zero ? new CronSchedule(every) : throw Invalid(text);
        }

        var fields = Descriptors.FirstOrDefault(descriptor => descriptor.Name == text).Fields ?? text;
        var parts = fields.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return parts.Length switch
        {
            5 => new CronSchedule(["0", .. parts]),
            6 => new CronSchedule(parts),
            _ => throw Invalid(text),
        };
    }

    /// <summary>The first time after the given one, or null when there is none within five years.</summary>
    public DateTimeOffset? Next(DateTimeOffset after)
    {
        if (_every is { } every)
        {
            return after + every;
        }

        var time = new DateTimeOffset(after.Year, after.Month, after.Day, after.Hour, after.Minute, after.Second, TimeSpan.Zero).AddSeconds(1);
        var end = after.AddYears(5);
        while (time < end)
        {
            if (!_fields[4][time.Month])
            {
                time = new DateTimeOffset(time.Year, time.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1);
            }
            else if (!IsDay(time))
            {
                time = new DateTimeOffset(time.Year, time.Month, time.Day, 0, 0, 0, TimeSpan.Zero).AddDays(1);
            }
            else if (!_fields[2][time.Hour])
            {
                time = time.AddHours(1).AddMinutes(-time.Minute).AddSeconds(-time.Second);
            }
            else if (!_fields[1][time.Minute])
            {
                time = time.AddMinutes(1).AddSeconds(-time.Second);
            }
            else if (!_fields[0][time.Second])
            {
                time = time.AddSeconds(1);
            }
            else
            {
                return time;
            }
        }

        return null;
    }

    /// <summary>Day and weekday both given: either will do, as in cron.</summary>
    private bool IsDay(DateTimeOffset time)
    {
        var (day, weekday) = (_fields[3][time.Day], _fields[5][(int)time.DayOfWeek]);
        return _anyDay || _anyWeekday ? day && weekday : day || weekday;
    }

    private static bool[] Field(string text, int min, int max, string[] names)
    {
        var values = new bool[max + 1];
        foreach (var part in text.Split(','))
        {
            var (range, step) = part.Split('/') is [var left, var right] ? (left, Number(right, 1, max, [], text)) : (part, 1);
            var (from, to) = range is "*" or "?" ? (min, max)
                : range.Split('-') is [var first, var last] ? (Number(first, min, max, names, text), Number(last, min, max, names, text))
                : (Number(range, min, max, names, text), part.Contains('/') ? max : Number(range, min, max, names, text));
            for (var value = from; value <= to; value += step)
            {
                values[value] = true;
            }
        }

        return values;
    }

    private static int Number(string text, int min, int max, string[] names, string field)
    {
        var named = Array.FindIndex(names, name => name.Equals(text, StringComparison.OrdinalIgnoreCase));
        if (named >= 0)
        {
            return named + min;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max ? value : throw Invalid(field);
    }

    private static ComponentException Invalid(string text) => new($"schedule '{text}' is not understood (examples: @every 5s, @daily, 0 30 * * * *)");
}
