namespace Ai.Budgets;

/// <summary>US dollars and tokens.</summary>
internal readonly record struct Spending(decimal Usd, long Tokens)
{
    public bool IsNothing => Usd == 0 && Tokens == 0;

    public static Spending operator +(Spending left, Spending right) => new(left.Usd + right.Usd, left.Tokens + right.Tokens);

    public static Spending operator -(Spending left, Spending right) => new(left.Usd - right.Usd, left.Tokens - right.Tokens);
}
