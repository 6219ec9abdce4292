using TestKit;
using TestKit.PublicApi;

namespace Dapr.AspNetCore.Tests;

public sealed class PublicApiTests
{
    [Fact]
    public void Everything_public_is_official()
    {
        var lists = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Official"), "*.txt");

        var unofficial = PublicApiCheck.FindUnofficial(typeof(CloudEventsMiddlewareOptions).Assembly, lists);

        Assert.True(unofficial.Count == 0, string.Join('\n', unofficial));
    }

    [Fact]
    public void Unofficial_types_and_members_are_found()
    {
        using var folder = new TempDirectory();
        var list = Path.Combine(folder.Path, "official.txt");
        var official = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Official"), "*.txt").SelectMany(File.ReadLines).ToList();
        var topicName = official.FindIndex(line => line.StartsWith("public class Dapr.AspNetCore.BulkSubscribeTopicOptions", StringComparison.Ordinal));
        official.RemoveAt(official.FindIndex(topicName, line => line.Contains(" TopicName ", StringComparison.Ordinal)));
        official.RemoveAll(line => line.StartsWith("public enum Dapr.AspNetCore.BulkSubscribeAppResponseStatus", StringComparison.Ordinal));
        File.WriteAllLines(list, official);

        var unofficial = PublicApiCheck.FindUnofficial(typeof(CloudEventsMiddlewareOptions).Assembly, [list]);

        Assert.Equal(
            ["public enum Dapr.AspNetCore.BulkSubscribeAppResponseStatus", "Dapr.AspNetCore.BulkSubscribeTopicOptions: public string TopicName { get; set; }"],
            unofficial);
    }

    [Fact]
    public void Nothing_to_compare_is_found()
    {
        var list = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Official"), "*.txt");

        var assembly = typeof(CloudEventsMiddlewareOptions).Assembly;

        var unofficial = PublicApiCheck.FindUnofficial(assembly, list, [.. assembly.GetExportedTypes().Select(type => type.Namespace!)]);

        Assert.Equal("Dapr.AspNetCore has nothing public to compare", Assert.Single(unofficial));
    }
}
