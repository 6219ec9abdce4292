using System.ComponentModel.DataAnnotations;

namespace Ai.Budgets;

/// <summary>What model calls may cost in a day: section <c>Ai:Budget</c>. Without limits, the default, nothing is counted.</summary>
public sealed class BudgetOptions
{
    /// <summary>US dollars a day for all calls of the app. Default: no limit.</summary>
    [Range(0, 1e9)]
    public decimal? DailyUsd { get; set; }

    /// <summary>Tokens a day for all calls of the app. Default: no limit.</summary>
    [Range(0, long.MaxValue)]
    public long? DailyTokens { get; set; }

    /// <summary>US dollars a day for each user. Default: no limit.</summary>
    [Range(0, 1e9)]
    public decimal? UserDailyUsd { get; set; }

    /// <summary>Tokens a day for each user. Default: no limit.</summary>
    [Range(0, long.MaxValue)]
    public long? UserDailyTokens { get; set; }

    /// <summary>US dollars a day by task (<see cref="Calls.CallScope.Task"/>). Default: no limits.</summary>
    public IDictionary<string, decimal> TaskDailyUsd { get; } = new Dictionary<string, decimal>(StringComparer.Ordinal);

    /// <summary>When the day begins, as the distance from UTC. Default 0; Korea is 09:00.</summary>
    [Range(typeof(TimeSpan), "-14:00:00", "14:00:00")]
    public TimeSpan UtcOffset { get; set; }

    /// <summary>How old this process's knowledge of what others spent may be, before a call reads it again. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan Freshness { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether calls go on while the state store is away, counted by each process alone until it is back. Default true.</summary>
    public bool AllowWithoutStore { get; set; } = true;
}
