using Desk.Callbacks;
using ServiceDefaults.GuardedFetch;

namespace Desk.Tests;

public sealed class DeliveryRulesTests
{
    [Fact]
    public void An_address_that_is_forbidden_is_final_and_one_that_is_away_is_not()
    {
        Assert.Equal(AttemptVerdict.Refused, DeliveryRules.Judge(new PostResult(null, null, new FetchFailure(400, "FETCH_HOST_FORBIDDEN", ""))));
        Assert.Equal(AttemptVerdict.Retry, DeliveryRules.Judge(new PostResult(null, null, new FetchFailure(422, "FETCH_UNREACHABLE", ""))));
    }

    [Fact]
    public void A_wait_varies_by_its_share_from_message_to_message_and_never_for_one()
    {
        var waits = Enumerable.Range(0, 200).Select(_ => Guid.NewGuid())
            .Select(id => (First: Wait(id, 1), Again: Wait(id, 1), Next: Wait(id, 2))).ToList();

        Assert.All(waits, wait => Assert.Equal(wait.First, wait.Again));
        Assert.All(waits, wait => Assert.InRange(wait.First.TotalSeconds, 90, 110));
        Assert.True(waits.Select(wait => wait.First).Distinct().Count() > 190);
        Assert.Contains(waits, wait => wait.First != wait.Next);
        Assert.True(waits.Max(wait => wait.First) - waits.Min(wait => wait.First) > TimeSpan.FromSeconds(15));

        static TimeSpan Wait(Guid id, int attempt) => DeliveryRules.Wait(id, attempt, TimeSpan.FromSeconds(100), 0.1, wish: null);
    }

    [Fact]
    public void A_wish_lengthens_a_wait_and_never_shortens_it()
    {
        var id = Guid.NewGuid();

        Assert.Equal(TimeSpan.FromMinutes(5), DeliveryRules.Wait(id, 1, TimeSpan.FromSeconds(1), 0.1, TimeSpan.FromMinutes(5)));
        Assert.InRange(DeliveryRules.Wait(id, 5, TimeSpan.FromMinutes(10), 0.1, TimeSpan.FromSeconds(1)).TotalMinutes, 9, 11);
    }

    [Fact]
    public void The_long_ladder_is_about_three_days()
    {
        var waits = new CallbackOptions { Ladder = CallbackLadder.Long }.WaitsBetween;

        Assert.Equal(9, waits.Count);
        Assert.InRange(waits.Aggregate((sum, wait) => sum + wait).TotalHours, 75, 76);
        Assert.Equal([1, 5, 30, 120, 600], new CallbackOptions().WaitsBetween.Select(wait => (int)wait.TotalSeconds));
    }
}
