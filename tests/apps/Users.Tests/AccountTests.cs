using System.Text.Json;
using Contracts.Characters;
using Contracts.Scan;
using ServiceDefaults;
using Users.Accounts;
using Users.Features;

namespace Users.Tests;

public sealed class AccountTests
{
    private static ScanRewarded Reward(Guid job, string code = "char-petty") => new(
        Guid.NewGuid(), DateTimeOffset.UnixEpoch, job, "u1", new CharacterInfo(Guid.NewGuid(), code, "n", "t", "d", null), 10);

    [Fact]
    public void A_reward_grants_points_and_the_character()
    {
        var account = Account.Empty.Record(Reward(Guid.NewGuid()));

        Assert.Equal(10, account.Points);
        Assert.Equal("d", Assert.Single(account.Characters).Dialog);
    }

    [Fact]
    public void A_job_counts_once_however_often_it_is_delivered()
    {
        var job = Guid.NewGuid();
        var account = Account.Empty.Record(Reward(job));

        Assert.Same(account, account.Record(Reward(job)));
    }

    [Fact]
    public void A_character_won_again_brings_points_only()
    {
        var account = Account.Empty.Record(Reward(Guid.NewGuid())).Record(Reward(Guid.NewGuid()));

        Assert.Equal(20, account.Points);
        Assert.Single(account.Characters);
        Assert.Equal(2, account.Ledger.Select(entry => entry.Id).Distinct().Count());
    }

    [Fact]
    public void The_ledger_is_paged_without_gaps_while_lines_come()
    {
        var account = Enumerable.Range(0, 5).Aggregate(Account.Empty, (known, _) => known.Record(Reward(Guid.NewGuid())));

        var first = MyPoints.Page(account, null, 2);
        account = account.Record(Reward(Guid.NewGuid()));
        var second = MyPoints.Page(account, Guid.ParseExact(first.NextCursor!, "N"), 2);
        var third = MyPoints.Page(account, Guid.ParseExact(second.NextCursor!, "N"), 2);

        Assert.Equal(account.Ledger.Skip(1), [.. first.Entries, .. second.Entries, .. third.Entries]);
        Assert.Null(third.NextCursor);
        Assert.Empty(MyPoints.Page(account, Guid.NewGuid(), 2).Entries);
    }

    [Theory]
    [InlineData("010 1234 5678", "010-1234-5678")]
    [InlineData("+82-10-1234-5678", "010-1234-5678")]
    [InlineData("0111234567", "011-123-4567")]
    [InlineData("02-123-4567", null)]
    [InlineData("1234", null)]
    public void Phone_numbers_have_one_form(string text, string? expected) => Assert.Equal(expected, PhoneNumber.Normalize(text));

    [Fact]
    public void A_profile_has_all_its_members_also_without_values() => Assert.Equal(
        """{"display_name":"사용자","nickname":null,"phone_number":null,"provider":"guest","last_login_at":null}""",
        JsonSerializer.Serialize(Me.ToProfile(Account.Empty, "guest"), TandemJson.Options));
}
