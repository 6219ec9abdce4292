using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Characters.Catalogue;
using Characters.Features;
using Characters.Ownership;
using Contracts.Characters;
using Contracts.Scan;
using ServiceDefaults;

namespace Characters.Tests;

public sealed class CharacterTests
{
    private static readonly CharacterCatalogue Catalogue =
        CharacterCatalogue.Of(CharacterCatalogue.Seed(Path.Combine(AppContext.BaseDirectory, "Catalogue", "characters.json")));

    private static readonly DateTimeOffset Now = new(2026, 3, 1, 3, 0, 0, TimeSpan.Zero);

    private static ScanRewarded Reward(Guid? id = null, string code = "char-petty", DateTimeOffset? ts = null)
    {
        var job = id ?? Guid.NewGuid();
        return new ScanRewarded(job, ts ?? Now, job, "11111111-1111-1111-1111-111111111111", Catalogue.All.Single(character => character.Code == code), 10);
    }

    private static CharacterMatched Judge(Owner owner, string middle = "무색페트병", bool rules = true, bool lacking = false, int perDay = 30) =>
        RewardJudge.Judge(new MatchCharacter("u", "재활용폐기물", middle, "음료PET병", rules, lacking), Catalogue, owner, Now, perDay);

    [Fact]
    public void There_are_thirteen_characters() => Assert.Equal(13, Catalogue.All.Count);

    [Fact]
    public void The_middle_category_decides_the_character()
    {
        var match = Judge(Owner.Empty);

        Assert.True(match.Received);
        Assert.Equal("페티", match.Character!.Name);
        Assert.Equal("무색페트병>음료PET병", match.Reason);
        Assert.False(match.AlreadyOwned);
    }

    [Fact]
    public void An_unknown_label_gets_the_default_and_an_empty_one_nothing()
    {
        Assert.Equal("char-eco", Judge(Owner.Empty, "없는분류").Character!.Code);
        Assert.False(Judge(Owner.Empty, "").Received);
    }

    [Fact]
    public void Imperfect_sortings_are_not_rewarded()
    {
        Assert.False(Judge(Owner.Empty, rules: false).Received);
        Assert.False(Judge(Owner.Empty, lacking: true).Received);
    }

    [Fact]
    public void An_owned_character_is_shown_as_owned() => Assert.True(Judge(Owner.Empty.Record(Reward())).AlreadyOwned);

    [Fact]
    public void The_daily_number_is_counted_by_the_calendar_of_Seoul()
    {
        // 14:59 UTC is 23:59 in Seoul, still the day before.
        var owner = Owner.Empty.Record(Reward(ts: new(2026, 2, 28, 14, 59, 0, TimeSpan.Zero))).Record(Reward(ts: new(2026, 2, 28, 15, 0, 0, TimeSpan.Zero)));

        Assert.Equal(1, owner.RewardsOn(Now));
        Assert.True(Judge(owner, perDay: 2).Received);
        Assert.False(Judge(owner, perDay: 1).Received);
    }

    [Fact]
    public void The_daily_number_is_limited_to_what_can_be_counted()
    {
        static bool IsValid(int perDay)
        {
            var options = new CharactersOptions { MaxRewardsPerDay = perDay };
            return Validator.TryValidateObject(options, new ValidationContext(options), null, validateAllProperties: true);
        }

        var owner = Enumerable.Range(0, Owner.KeptFacts + 1).Aggregate(Owner.Empty, (known, _) => known.Record(Reward()));
        Assert.True(IsValid(owner.RewardsOn(Now)));
        Assert.False(IsValid(owner.RewardsOn(Now) + 1));
    }

    [Fact]
    public void The_catalogue_says_that_a_character_has_no_match() => Assert.Equal(
        """{"code":"c","name":"n","type":"t","dialog":"d","match":null}""",
        JsonSerializer.Serialize(new GetCatalogue.Item("c", "n", "t", "d", null), TandemJson.Options));

    [Fact]
    public void A_fact_that_comes_again_changes_nothing()
    {
        var reward = Reward();
        var owner = Owner.Empty.Record(reward);

        Assert.Same(owner, owner.Record(reward));
    }

    [Fact]
    public void One_row_per_user_and_character_under_its_stable_id()
    {
        var owner = Owner.Empty.Record(Reward()).Record(Reward()).Record(Reward(code: "char-paepy"));

        Assert.Equal(3, owner.Facts.Count);
        Assert.Equal(2, owner.Characters.Count);
        Assert.Equal(new Guid("b0661928-c300-5257-8113-8c7870fa46e1"), owner.Characters[0].Id);
    }
}
