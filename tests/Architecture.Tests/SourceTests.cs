using System.Globalization;
using System.Text.RegularExpressions;

namespace Architecture.Tests;

/// <summary>Rules for the text of the sources.</summary>
public sealed partial class SourceTests
{
    /// <summary>Range of log event ids per folder; a new app takes the next free hundred.</summary>
    private static readonly (string Folder, int First, int Last)[] EventIds =
    [
        ("libs/ServiceDefaults", 900, 999), ("apps/gateway", 1000, 1099), ("apps/event-router", 1100, 1199), ("apps/sse", 1200, 1299),
        ("apps/scan-worker", 1300, 1399), ("apps/scan", 1400, 1499), ("apps/characters", 1500, 1599), ("apps/users", 1600, 1699),
        ("apps/images", 1700, 1799), ("libs/Ai", 1900, 1999), ("apps/auth", 2000, 2099), ("apps/desk", 2200, 2299), ("libs/Imaging", 1800, 1899),
        ("sidecar", 2000, 6799), ("sdk", 6800, 6899), ("protocol", 6900, 6999), ("samples", 7000, 7099),
    ];

    [Fact]
    public void Log_event_ids_are_unique_and_in_the_range_of_their_folder()
    {
        var ids = LogMessages().ToArray();
        Assert.NotEmpty(ids);
        Assert.All(ids.GroupBy(id => id.Id), same => Assert.True(
            same.Count() == 1, $"event id {same.Key} is used in {string.Join(" and ", same.Select(id => id.File))}"));
        Assert.All(ids, id =>
        {
            var range = EventIds.FirstOrDefault(range => id.File.StartsWith($"{range.Folder}/", StringComparison.Ordinal));
            Assert.True(range.Folder is not null, $"{id.File}: its folder has no range of event ids here yet");
            Assert.True(id.Id >= range.First && id.Id <= range.Last, $"{id.File}: {id.Id} is outside {range.First}-{range.Last}");
        });
    }

    [Fact]
    public void No_file_names_a_place_of_one_machine_or_a_package_registry()
    {
        var texts = Repository.Files.Where(file => !IsBinary(file) && file != "tests/Architecture.Tests/SourceTests.cs");
        Assert.All(texts, file => Assert.All(
            MachinePlace().Matches(Repository.Read(file)).Select(match => match.Value), place => Assert.Fail($"{file} contains '{place}'")));
    }

    [Fact]
    public void Sources_have_no_conflict_markers_and_end_with_a_newline() =>
        Assert.All(Repository.Files.Where(file => file.EndsWith(".cs", StringComparison.Ordinal)), file =>
        {
            var text = Repository.Read(file);
            Assert.DoesNotMatch(ConflictMarker(), text);
            Assert.True(text.EndsWith('\n'), $"{file} does not end with a newline");
        });

    private static IEnumerable<(string File, int Id)> LogMessages() =>
        from file in Repository.Files
        where file.EndsWith(".cs", StringComparison.Ordinal) && !file.StartsWith("tests/", StringComparison.Ordinal)
        from Match match in LogMessage().Matches(Repository.Read(file))
        select (file, int.Parse(match.Groups["id"].Value, CultureInfo.InvariantCulture));

    private static bool IsBinary(string file) =>
        Path.GetExtension(file) is ".bin" or ".png" or ".jpg" or ".zip" or ".pb";

    [GeneratedRegex(@"LoggerMessage\(\s*(EventId\s*=\s*)?(?<id>\d+)")]
    private static partial Regex LogMessage();

    [GeneratedRegex(@"(?<![\w.~-])/(home|Users|root|work)/\w[\w./-]*|[A-Za-z]:\\Users\\\w+|https?://[^\s/""']*(nuget|npm|registry|artifactory|pypi)[^\s/""']*/[^\s""']*")]
    private static partial Regex MachinePlace();

    [GeneratedRegex(@"^(<{7} |>{7} )", RegexOptions.Multiline)]
    private static partial Regex ConflictMarker();
}
