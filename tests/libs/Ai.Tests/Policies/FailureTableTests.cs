namespace Ai.Tests.Policies;

public sealed class FailureTableTests
{
    public static TheoryData<ModelFailure> All => [.. Enum.GetValues<ModelFailure>()];

    [Theory]
    [MemberData(nameof(All))]
    public void The_documentation_says_what_the_code_does(ModelFailure failure)
    {
        var rule = ModelFailures.RuleOf(failure);

        Assert.Equal(
            new FailureRow(
                rule.Code,
                SentAgain: failure switch
                {
                    ModelFailure.Unauthorized or ModelFailure.Forbidden or ModelFailure.QuotaExhausted => "another key",
                    ModelFailure.NoKey => "when a key is due",
                    _ => rule.Resend switch { Resend.Never => "no", Resend.Safe => "yes", _ => "may bill twice" },
                },
                NextModel: rule.NextModel ? "yes" : "no",
                Key: failure switch
                {
                    ModelFailure.RateLimited => "cools down",
                    ModelFailure.Unauthorized or ModelFailure.QuotaExhausted => "disabled",
                    ModelFailure.Forbidden => "disabled for the model",
                    _ => "–",
                },
                Breaker: rule.CountsAgainstModel ? "counts" : "–",
                Later: rule.Transient ? "yes" : "no"),
            FailureTable.Rows[failure]);
    }
}
