using System.Net.Http.Json;
using System.Text.Json;

namespace Desk.Tests;

/// <summary>What the app tells about products without searching for any.</summary>
public sealed class ProductRoutesTests
{
    [Theory]
    [InlineData("/api/v1/desk/categories")]
    [InlineData("/categories")]
    public async Task Categories_are_a_tree_that_may_be_kept(string path)
    {
        await using var platform = await DeskPlatform.StartAsync();
        using var client = platform.ClientOf("u1");

        using var response = await client.GetAsync(path, DeskPlatform.Cancel);

        Assert.Equal(TimeSpan.FromHours(1), response.Headers.CacheControl?.MaxAge);
        var categories = (await response.Content.ReadFromJsonAsync<JsonElement>(DeskPlatform.Cancel)).GetProperty("categories").EnumerateArray().ToArray();
        Assert.Contains(categories, category =>
            category.GetProperty("name").GetString() == "마우스" && category.GetProperty("sub_categories").EnumerateArray().Any(name => name.GetString() == "무선마우스"));
        Assert.Equal("기타", categories[^1].GetProperty("name").GetString());
    }

    [Fact]
    public async Task Metrics_of_products_are_told_under_the_name_that_the_launcher_gives()
    {
        await using var platform = await DeskPlatform.StartAsync(settings: ("OTEL_SERVICE_NAME", "desk"));
        using var client = platform.ClientOf("u1");
        using var info = await client.GetAsync("/api/v1/desk/info", DeskPlatform.Cancel);

        Assert.Matches(@"(?m)^desk_naver_daily_used\S* 0$", await client.GetStringAsync("/metrics", DeskPlatform.Cancel));
    }

    [Fact]
    public async Task Info_says_where_products_come_from()
    {
        await using var platform = await DeskPlatform.StartAsync();
        using var client = platform.ClientOf("u1");

        Assert.Equal("samples", (await client.GetFromJsonAsync<JsonElement>("/api/v1/desk/info", DeskPlatform.Cancel)).GetProperty("products").GetString());
    }
}
