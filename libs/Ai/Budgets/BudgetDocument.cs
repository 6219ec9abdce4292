namespace Ai.Budgets;

/// <summary>What was spent on one account in one day, by all replicas: state document <c>ai-budget:{day}:{account}</c>, kept for two days.</summary>
internal sealed record BudgetDocument(decimal Usd, long Tokens);
