using Ai.Prompts;

namespace Ai.Tests.Prompts;

/// <summary>Prompt files are checked before the app starts, and filled without surprises.</summary>
public sealed class PromptLibraryTests : IDisposable
{
    private const string System =
        "<!-- version: 3 -->\n<!-- trusted: tree -->\n<!-- untrusted: thing -->\nSort.\n{{fence}}\nTree: {{tree}}\n{{thing}}\n";

    private static readonly PromptUse Use = new("sort.system", "tree", "thing");
    private readonly string _folder = Directory.CreateTempSubdirectory("prompts-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private PromptLibrary Load(string text, params PromptUse[] uses)
    {
        File.WriteAllText(Path.Combine(_folder, "sort.system.md"), text);
        return PromptLibrary.Load(_folder, uses.Length > 0 ? uses : [Use]);
    }

    [Fact]
    public void Trusted_values_stand_as_they_are_and_untrusted_ones_in_a_fence()
    {
        var prompt = Load(System)[Use];

        var text = prompt.Fill(("thing", "a {{tree}}"), ("tree", "a {{thing}} <<<"));

        Assert.Equal("sort.system@3", prompt.Id);
        Assert.Equal($"Sort.\n{Fence.Instruction}\nTree: a {{{{thing}}}} <<<\n{Fence.Around("thing", "a {{tree}}")}\n", text);
    }

    [Fact]
    public void Values_must_be_exactly_the_variables()
    {
        var prompt = Load(System)[Use];

        Assert.Throws<ArgumentException>(() => prompt.Fill(("thing", "x")));
        Assert.Throws<ArgumentException>(() => prompt.Fill(("thing", "x"), ("three", "y")));
        Assert.Throws<ArgumentException>(() => prompt.Fill(("thing", "x"), ("tree", "y"), ("more", "z")));
    }

    [Fact]
    public void Line_ends_of_a_checkout_do_not_matter() =>
        Assert.Equal(Load(System)[Use].Fill(("thing", "x"), ("tree", "y")), Load(System.ReplaceLineEndings("\r\n"))[Use].Fill(("thing", "x"), ("tree", "y")));

    [Theory]
    [InlineData("Sort.", "version")]
    [InlineData("<!-- version: 1 -->\n<!-- trusted: tree -->\n{{tree}} {{thing}}", "declares the variables [tree], its text has [thing, tree]")]
    [InlineData("<!-- version: 1 -->\n<!-- trusted: tree, thing -->\n{{tree}}", "declares the variables [thing, tree], its text has [tree]")]
    [InlineData("<!-- version: 1 -->\n<!-- trusted: tree, fence -->\n{{tree}}", "declared twice, or is called 'fence'")]
    [InlineData("<!-- version: 1 -->\n<!-- trusted: tree -->\n<!-- untrusted: tree -->\n{{tree}}", "declared twice")]
    [InlineData("<!-- version: 1 -->\n<!-- trusted: tree, other -->\n{{tree}} {{other}}", "the code fills [thing, tree]")]
    [InlineData("<!-- version: 1 -->\n<!-- trusted: tree -->\n<!-- untrusted: thing -->\n{{tree}}\n{{thing}}", "needs {{fence}}")]
    [InlineData("<!-- version: 1 -->\n<!-- trusted: tree -->\n<!-- untrusted: thing -->\n{{fence}}{{tree}}\nThe thing is {{thing}}", "must stand alone")]
    [InlineData("<!-- version: 1 -->\n<!-- trusted: tree, thing -->\n{{tree}} {{thing}}\n<<<x", "must not look like a fence")]
    public void A_wrong_file_is_told_in_one_sentence(string text, string expected)
    {
        var failure = Assert.Throws<InvalidDataException>(() => Load(text));

        Assert.Contains("sort.system.md", failure.Message);
        Assert.Contains(expected, failure.Message);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void A_missing_file_and_one_without_use_are_told()
    {
        Assert.Contains(
            "other.user.md: the prompt file is missing", Assert.Throws<InvalidDataException>(() => Load(System, Use, new PromptUse("other.user"))).Message);
        File.WriteAllText(Path.Combine(_folder, "other.user.md"), "<!-- version: 1 -->\nhello\n");
        Assert.Contains("other.user.md: no code uses this prompt", Assert.Throws<InvalidDataException>(() => Load(System)).Message);
        File.WriteAllText(Path.Combine(_folder, "other.md"), "<!-- version: 1 -->\nhello\n");
        Assert.Contains("must end in .system.md or .user.md", Assert.Throws<InvalidDataException>(() => Load(System)).Message);
    }

    [Fact]
    public void A_persons_words_need_a_system_prompt_that_explains_their_fence()
    {
        var user = new PromptUse("sort.user", "words");
        File.WriteAllText(Path.Combine(_folder, "sort.user.md"), "<!-- version: 1 -->\n<!-- untrusted: words -->\n{{words}}\n");

        Assert.Equal(2, Load(System, Use, user).All.Count);
        var failure = Assert.Throws<InvalidDataException>(() => Load("<!-- version: 1 -->\nSort.", new PromptUse("sort.system"), user));
        Assert.Contains("sort.user.md: takes untrusted text (words)", failure.Message);
        File.Delete(Path.Combine(_folder, "sort.system.md"));
        Assert.Throws<InvalidDataException>(() => PromptLibrary.Load(_folder, user));
    }
}
