namespace Sidecar.Runtime.Resiliency;

/// <summary>When and how often something is tried again (spec.policies.retries).</summary>
/// <param name="IsExponential">Exponential with ±50 % randomization, or constant.</param>
/// <param name="Duration">Wait of a constant policy.</param>
/// <param name="MaxInterval">Longest wait of an exponential policy.</param>
/// <param name="MaxRetries">Retries after the first attempt; -1 unlimited.</param>
/// <param name="StatusCodes">When given, only these HTTP statuses are retried; failures without a status or code always are.</param>
public sealed record RetryPolicy(bool IsExponential, TimeSpan Duration, TimeSpan MaxInterval, int MaxRetries, StatusCodeSet? StatusCodes)
{
    private const double Multiplier = 1.5;
    private static readonly TimeSpan FirstInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>An exponential policy ends after this time in all, whatever MaxRetries says.</summary>
    public TimeSpan MaxElapsed { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>When given, only these gRPC codes are retried (<c>matching.gRPCStatusCodes</c>); an app that is not there has UNAVAILABLE.</summary>
    public StatusCodeSet? GrpcCodes { get; init; }

    /// <summary>Whether an outcome with this status or code is to be tried again.</summary>
    public bool Matches(AttemptOutcome outcome) =>
        outcome.StatusCode is { } status ? StatusCodes?.Contains(status) != false
        : outcome.GrpcCode is not { } code || GrpcCodes?.Contains(code) != false;

    /// <summary>Wait before the given retry (1-based), or null when there is none.</summary>
    public TimeSpan? Delay(int retry, TimeSpan elapsed)
    {
        if ((MaxRetries >= 0 && retry > MaxRetries) || (IsExponential && elapsed > MaxElapsed))
        {
            return null;
        }

        if (!IsExponential)
        {
            return Duration;
        }

        var interval = FirstInterval * Math.Pow(Multiplier, Math.Min(retry - 1, 50));
        return (interval > MaxInterval ? MaxInterval : interval) * (0.5 + Random.Shared.NextDouble());
    }
}

/// <summary>A list of codes and ranges: <c>429,500-599</c>.</summary>
public sealed class StatusCodeSet(IReadOnlyList<(int From, int To)> ranges)
{
    /// <summary>Parses the list of codes that are not below the first and not above the last; throws <see cref="FormatException"/>.</summary>
    public static StatusCodeSet Parse(string text, int first, int last) => new([.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        .Select(part => part.Split('-'))
        .Select(bounds => bounds.Length <= 2 && TryCode(bounds[0], out var from) && TryCode(bounds[^1], out var to) && first <= from && from <= to && to <= last
            ? (from, to)
            : throw new FormatException($"'{string.Join('-', bounds)}' is no code or range"))]);

    /// <summary>Whether the code is in the list.</summary>
    public bool Contains(int code) => ranges.Any(range => code >= range.From && code <= range.To);

    private static bool TryCode(string text, out int code) =>
        int.TryParse(text, System.Globalization.NumberStyles.AllowLeadingWhite | System.Globalization.NumberStyles.AllowTrailingWhite,
            System.Globalization.CultureInfo.InvariantCulture, out code);
}
