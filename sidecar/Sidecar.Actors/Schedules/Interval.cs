using System.Globalization;
using System.Text.RegularExpressions;
using Sidecar.Abstractions;

namespace Sidecar.Actors.Schedules;

/// <summary>A span of time as timers and reminders have it: a Go duration (<c>1h30m</c>) or an ISO 8601 one (<c>PT5S</c>, <c>P1Y2M</c>).</summary>
internal readonly partial record struct Interval(int Years, int Months, int Days, TimeSpan Time)
{
    public bool HasDate => (Years | Months | Days) != 0;

    public bool IsZero => !HasDate && Time == TimeSpan.Zero;

    public DateTimeOffset AddTo(DateTimeOffset start) => start.AddYears(Years).AddMonths(Months).AddDays(Days) + Time;

    /// <summary>Throws <see cref="FormatException"/> for anything else, also for a bare number, which has no unit.</summary>
    public static Interval Parse(string text)
    {
        if (text.StartsWith('P') && text.Length > 1 && text[^1] != 'T' && Iso().Match(text) is { Success: true } iso)
        {
            int Part(string name) => iso.Groups[name] is { Success: true } group ? int.Parse(group.Value, CultureInfo.InvariantCulture) : 0;
            var seconds = iso.Groups["s"] is { Success: true } part ? double.Parse(part.Value, CultureInfo.InvariantCulture) : 0;
            return new Interval(
                Part("y"), Part("mo"), Part("d") + (7 * Part("w")), TimeSpan.FromHours(Part("h")) + TimeSpan.FromMinutes(Part("m")) + TimeSpan.FromSeconds(seconds));
        }

        return (text == "0" || !long.TryParse(text, CultureInfo.InvariantCulture, out _)) && GoDuration.TryParse(text, out var span) && span >= TimeSpan.Zero
            ? new Interval(0, 0, 0, span)
            : throw new FormatException($"'{text}' is not a duration (examples: 1h30m, PT5S)");
    }

    [GeneratedRegex(@"\AP(?:(?<y>\d{1,9})Y)?(?:(?<mo>\d{1,9})M)?(?:(?<w>\d{1,8})W)?(?:(?<d>\d{1,9})D)?(?:T(?:(?<h>\d{1,9})H)?(?:(?<m>\d{1,9})M)?(?:(?<s>\d{1,9}(?:\.\d+)?)S)?)?\z")]
    private static partial Regex Iso();
}
