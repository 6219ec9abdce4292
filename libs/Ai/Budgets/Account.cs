namespace Ai.Budgets;

/// <summary>One account on one day as this process sees it. Guarded by the lock of its <see cref="Ledger"/>.</summary>
/// <param name="key">Key of its document.</param>
/// <param name="kind"><c>day</c>, <c>user</c> or <c>task</c>.</param>
/// <param name="maxUsd">Limit in US dollars.</param>
/// <param name="maxTokens">Limit in tokens.</param>
internal sealed class Account(string key, string kind, decimal? maxUsd, long? maxTokens)
{
    public string Key => key;

    public string Kind => kind;

    /// <summary>What the document said when this process last read or wrote it.</summary>
    public Spending Shared { get; set; }

    /// <summary>When that was; null before the first time.</summary>
    public long? SharedAt { get; set; }

    /// <summary>Spent here and not in the document yet.</summary>
    public Spending Unwritten { get; set; }

    /// <summary>Estimated for calls that run here.</summary>
    public Spending Reserved { get; set; }

    /// <summary>How often this process has written the document.</summary>
    public int Writes { get; set; }

    /// <summary>Whether somebody writes the document now.</summary>
    public bool IsWriting { get; set; }

    /// <summary>Why there is no room for this much more; null when there is.</summary>
    public string? Refusal(Spending more)
    {
        var spent = Shared + Unwritten + Reserved;
        var what = kind == "day" ? "the budget of the day" : $"the daily budget of this {kind}";
        return spent.Usd + more.Usd > maxUsd ? FormattableString.Invariant($"{what} is spent: {spent.Usd:0.00##} of {maxUsd} US dollars, with what runs now")
            : spent.Tokens + more.Tokens > maxTokens ? FormattableString.Invariant($"{what} is spent: {spent.Tokens} of {maxTokens} tokens, with what runs now")
            : null;
    }
}
