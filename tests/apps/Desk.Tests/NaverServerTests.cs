using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using NaverServers;
using TestKit;

namespace Desk.Tests;

/// <summary>The server that plays Naver is as strict as Naver is, so that the client's tests mean something.</summary>
public sealed class NaverServerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_answer_has_the_shape_of_the_documentation()
    {
        await using var server = await NaverServer.StartAsync();

        using var response = await AskAsync(server, "?query=%EB%AC%B4%EC%84%A0%20A%26B&display=3&start=2&sort=asc&exclude=used:rental:cbshop&filter=naverpay");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.Equal((37, 2, 3), (answer.GetProperty("total").GetInt32(), answer.GetProperty("start").GetInt32(), answer.GetProperty("display").GetInt32()));
        Assert.EndsWith(" +0900", answer.GetProperty("lastBuildDate").GetString(), StringComparison.Ordinal);
        var items = answer.GetProperty("items").EnumerateArray().ToArray();
        Assert.Equal(3, items.Length);
        Assert.All(items, item =>
        {
            Assert.Equal(
                ["title", "link", "image", "lprice", "hprice", "mallName", "productId", "productType", "brand", "maker", "category1", "category2", "category3", "category4"],
                item.EnumerateObject().Select(member => member.Name));
            Assert.All(item.EnumerateObject(), member => Assert.Equal(JsonValueKind.String, member.Value.ValueKind));
            Assert.Contains("<b>무선 A&amp;B</b>", item.GetProperty("title").GetString(), StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("", 400, "SE01")]
    [InlineData("?query=", 400, "SE01")]
    [InlineData("?query=%20", 400, "SE01")]
    [InlineData("?query=a&query=b", 400, "SE01")]
    [InlineData("?query=a&page=2", 400, "SE01")]
    [InlineData("?query=a&exclude=old", 400, "SE01")]
    [InlineData("?query=a&filter=x", 400, "SE01")]
    [InlineData("?query=a&display=0", 400, "SE02")]
    [InlineData("?query=a&display=101", 400, "SE02")]
    [InlineData("?query=a&display=ten", 400, "SE02")]
    [InlineData("?query=a&start=0", 400, "SE03")]
    [InlineData("?query=a&start=1001", 400, "SE03")]
    [InlineData("?query=a&sort=price", 400, "SE04")]
    [InlineData("?query=%EB%AC", 400, "SE06")]
    [InlineData("?query=%C0%AF", 400, "SE06")]
    public async Task A_request_that_Naver_does_not_take_is_refused(string query, int status, string code)
    {
        await using var server = await NaverServer.StartAsync();

        Assert.Equal((status, code), await FailureAsync(await AskAsync(server, query)));
        Assert.Single(server.Rejected);
        Assert.Empty(server.Queries);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("tandem-dev", null)]
    [InlineData("tandem-dev", "wrong")]
    [InlineData("wrong", "tandem-dev-secret")]
    public async Task Credentials_stand_in_the_headers(string? id, string? secret)
    {
        await using var server = await NaverServer.StartAsync();

        Assert.Equal((401, "024"), await FailureAsync(await AskAsync(server, "?query=a", id, secret)));
    }

    [Fact]
    public async Task Other_paths_and_methods_are_none()
    {
        await using var server = await NaverServer.StartAsync();

        Assert.Equal((404, "SE05"), await FailureAsync(await AskAsync(server, "?query=a", path: "/v1/search/blog.json")));
        Assert.Equal((405, "SE01"), await FailureAsync(await AskAsync(server, "?query=a", method: HttpMethod.Post)));
    }

    [Fact]
    public async Task Quota_and_rate_are_told_apart()
    {
        var clock = new ManualTimeProvider();
        await using var server = await NaverServer.StartAsync(clock);
        server.Behaviour = server.Behaviour with { PerSecond = 2, Quota = 3 };

        Assert.Equal(200, await StatusAsync(server));
        Assert.Equal(200, await StatusAsync(server));
        Assert.Equal((429, "012"), await FailureAsync(await AskAsync(server, "?query=a")));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(200, await StatusAsync(server));
        Assert.Equal((429, "010"), await FailureAsync(await AskAsync(server, "?query=a")));
    }

    [Fact]
    public async Task As_a_program_it_is_controlled_and_asked_what_it_has_seen()
    {
        await using var program = NaverHost.Build(["--urls", "http://127.0.0.1:0", "--Naver:ClientId", "other"]);
        await program.StartAsync(Cancel);
        using var http = new HttpClient { BaseAddress = new Uri(program.Urls.First()) };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/search/shop.json?query=a");
        request.Headers.Add("X-Naver-Client-Id", "other");
        request.Headers.Add("X-Naver-Client-Secret", "tandem-dev-secret");
        using var response = await http.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);

        using var put = await http.PutAsJsonAsync("/control", new { quota = 0 }, Cancel);

        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        using var refused = await http.GetAsync("/v1/search/shop.json?query=a", Cancel);
        Assert.Equal((401, "024"), await FailureAsync(refused));
        var stats = await http.GetFromJsonAsync<NaverStats>("/stats", Cancel);
        Assert.Equal((2, 1, 1), (stats!.Calls, stats.Queries, stats.Rejected.Count));
    }

    private static async Task<int> StatusAsync(NaverServer server)
    {
        using var response = await AskAsync(server, "?query=a");
        return (int)response.StatusCode;
    }

    private static async Task<(int Status, string? Code)> FailureAsync(HttpResponseMessage response)
    {
        using (response)
        {
            var body = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
            Assert.NotEqual("", body.GetProperty("errorMessage").GetString());
            return ((int)response.StatusCode, body.GetProperty("errorCode").GetString());
        }
    }

    private static async Task<HttpResponseMessage> AskAsync(
        NaverServer server, string query, string? id = "tandem-dev", string? secret = "tandem-dev-secret", string path = NaverServer.Path, HttpMethod? method = null)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, $"{server.Address.ToString().TrimEnd('/')}{path}{query}");
        if (id is not null)
        {
            request.Headers.Add("X-Naver-Client-Id", id);
        }

        if (secret is not null)
        {
            request.Headers.Add("X-Naver-Client-Secret", secret);
        }

        return await http.SendAsync(request, Cancel);
    }
}
