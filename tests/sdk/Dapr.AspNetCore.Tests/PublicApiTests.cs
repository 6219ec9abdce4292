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
}
