using ServiceDefaults.Identity;
using TestKit;

namespace ServiceDefaults.Tests.Revocations;

public sealed class RevokedTokensTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly RevokedTokens _revoked = new();

    [Fact]
    public void A_session_and_a_token_are_found()
    {
        _revoked.Add("s1", Now);
        _revoked.Add("t2", Now);

        Assert.True(_revoked.Contains(Of("s1", "t1")));
        Assert.True(_revoked.Contains(Of("s2", "t2")));
        Assert.False(_revoked.Contains(Of("s2", "t1")));
    }

    [Fact]
    public void The_later_end_wins_in_whatever_order()
    {
        Assert.True(_revoked.Add("s1", Now.AddHours(2)));
        Assert.False(_revoked.Add("s1", Now.AddHours(1)));
        _revoked.Forget(Now.AddHours(2));
        Assert.True(_revoked.Contains(Of("s1", "t1")));

        _revoked.Forget(Now.AddHours(2).AddTicks(1));
        Assert.False(_revoked.Contains(Of("s1", "t1")));
        Assert.Equal(0, _revoked.Count);
    }

    [Fact]
    public void It_holds_no_more_than_what_has_not_expired()
    {
        for (var i = 0; i < 10_000; i++)
        {
            _revoked.Add($"s{i}", Now.AddSeconds(i));
        }

        _revoked.Forget(Now.AddSeconds(9_990));
        Assert.Equal(10, _revoked.Count);
    }

    [Fact]
    public void Asking_allocates_nothing()
    {
        _revoked.Add("s1", Now);
        var identity = Of("s2", "t2");

        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                _revoked.Contains(identity);
            }
        }));
    }

    private static ServiceDefaults.Identity.Identity Of(string session, string token) =>
        new("u1", session, token, "guest", [], null, Now, Now.AddHours(1));
}
