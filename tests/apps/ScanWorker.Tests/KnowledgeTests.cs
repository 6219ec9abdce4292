using ScanWorker.Knowledge;

namespace ScanWorker.Tests;

public sealed class KnowledgeTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Knowledge");
    private static readonly Taxonomy Tree = Taxonomy.Load(Folder);
    private static readonly DisposalRules Rules = DisposalRules.Load(Folder, Tree);

    [Fact]
    public void Taxonomy_holds_every_item_of_the_product()
    {
        Assert.Equal(7, Tree.Categories.Count);
        Assert.Equal(12, Tree.Categories.Single(category => category.Major == Taxonomy.Recyclables).Groups.Count);
        Assert.True(Tree.Categories.Sum(category => category.Groups.Sum(group => group.Minor.Count)) >= 164);
    }

    [Fact]
    public void Situation_tags_hold_every_tag_of_the_product() =>
        Assert.Equal(79, SituationTags.Load(Folder).Groups.SelectMany(group => group.Tags).Distinct().Count());

    [Fact]
    public void Unknown_tags_are_dropped_and_known_ones_kept_once() =>
        Assert.Equal(["내용물_있음"], SituationTags.Load(Folder).Known(["내용물_있음", "no such tag", "내용물_있음"]));

    [Theory]
    [InlineData("재활용폐기물", "무색페트병", "재활용폐기물_무색페트병")]
    [InlineData("재활용폐기물", "전기전자제품", "재활용폐기물_전기전자제품")]
    [InlineData("대형폐기물", "대형폐기물", "대형폐기물")]
    [InlineData("생활계유해폐기물", "생활계유해폐기물", "생활계유해폐기물")]
    public void A_classification_finds_its_rule(string major, string middle, string key) => Assert.Equal(key, Rules.Find(major, middle)!.Key);

    [Fact]
    public void Unclassified_has_no_rule() => Assert.Null(Rules.Find(Taxonomy.Unclassified, Taxonomy.Unclassified));

    [Fact]
    public void There_are_eighteen_rules_in_both_languages()
    {
        Assert.Equal(18, Rules.Keys.Count);
        Assert.All(Rules.Keys, key =>
        {
            var parts = key.Split('_');
            var rule = Rules.Find(parts[0], parts.Length > 1 ? parts[1] : parts[0])!;
            Assert.NotEmpty(rule.CommonSteps);
            Assert.NotEmpty(rule.English.Steps);
            Assert.NotEmpty(rule.NotAccepted);
        });
    }

    [Fact]
    public void A_pair_outside_the_tree_is_not_in_it()
    {
        Assert.True(Tree.Contains("재활용폐기물", "종이"));
        Assert.False(Tree.Contains("대형폐기물", "종이"));
        Assert.True(Tree.Contains("미분류", "미분류"));
    }

    [Fact]
    public void A_missing_rule_stops_the_start()
    {
        var folder = Directory.CreateTempSubdirectory("knowledge");
        try
        {
            Directory.CreateDirectory(Path.Combine(folder.FullName, "rules"));
            File.Copy(Path.Combine(Folder, "rules", "대형폐기물.json"), Path.Combine(folder.FullName, "rules", "대형폐기물.json"));
            Assert.Contains("no rule for", Assert.Throws<InvalidDataException>(() => DisposalRules.Load(folder.FullName, Tree)).Message);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
