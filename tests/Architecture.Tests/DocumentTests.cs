using System.Globalization;
using System.Text.RegularExpressions;

namespace Architecture.Tests;

/// <summary>Documents that point into the repository point at something.</summary>
public sealed partial class DocumentTests
{
    public static TheoryData<string> Pages =>
        [.. Repository.Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal) && !file.Contains("/Prompts/", StringComparison.Ordinal))];

    [Fact]
    public void Every_step_of_the_request_path_stands_at_one_place_in_the_code()
    {
        var named = Step().Matches(Repository.Read("docs/architecture.md")).ToDictionary(Number, match => match.Groups["file"].Value);
        int[] steps = [.. named.Keys];
        Assert.NotEmpty(steps);
        Assert.Equal(Enumerable.Range(1, steps.Length), steps);
        var places = (
            from file in Repository.Under("apps", ".cs")
            from Match match in Place().Matches(Repository.Read(file))
            select (Step: Number(match), File: file)).ToLookup(place => place.Step, place => place.File);
        Assert.All(steps, step => Assert.True(
            places[step].SequenceEqual([named[step]]),
            $"step {step} of docs/architecture.md names {named[step]}, '// ({step})' is in {(places.Contains(step) ? string.Join(", ", places[step]) : "no file")}"));
        Assert.All(places, place => Assert.True(steps.Contains(place.Key), $"'// ({place.Key})' in {string.Join(", ", place)} is no step of docs/architecture.md"));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Links_to_files_lead_somewhere(string page)
    {
        var folder = Path.GetDirectoryName(Path.Combine(Repository.Root, page))!;
        Assert.All(Link().Matches(Repository.Read(page)).Select(match => match.Groups["target"].Value), target => Assert.True(
            Path.Exists(Path.Combine(folder, target)), $"{page} links to {target}, which does not exist"));
    }

    [Fact]
    public void Every_test_that_the_launchers_page_names_exists()
    {
        var sources = Repository.Under("tests", ".cs").ToLookup(file => Path.GetFileNameWithoutExtension(file), Repository.Read);
        var named = Test().Matches(Repository.Read("docs/launcher.md")).Select(match => (Class: match.Groups["class"].Value, Method: match.Groups["method"].Value)).ToArray();
        Assert.NotEmpty(named);
        Assert.All(named, test => Assert.True(
            sources[test.Class].Any(source => source.Contains($" {test.Method}(", StringComparison.Ordinal)), $"docs/launcher.md names {test.Class}.{test.Method}"));
    }

    private static int Number(Match match) => int.Parse(match.Groups["n"].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<n>\d+)\. .*\(`(?<file>[^`]+)`\)\.$", RegexOptions.Multiline)]
    private static partial Regex Step();

    [GeneratedRegex(@"`(?<class>\w+Tests)\.(?<method>\w+)`")]
    private static partial Regex Test();

    [GeneratedRegex(@"// \((?<n>\d+)\)")]
    private static partial Regex Place();

    [GeneratedRegex(@"\]\((?!https?:|mailto:|#)(?<target>[^)#\s]+)")]
    private static partial Regex Link();
}
