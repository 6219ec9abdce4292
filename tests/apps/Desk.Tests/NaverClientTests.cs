using Desk.Products;
using NaverServers;
using TestKit;

namespace Desk.Tests;

/// <summary>What is sent to Naver, and what becomes of its answers and failures.</summary>
public sealed class NaverClientTests
{
    [Fact]
    public async Task A_search_is_asked_as_the_documentation_says()
    {
        await using var naver = await NaverPlatform.StartAsync();

        await naver.AddReplica().SearchAsync("무선 마우스 & 50% 할인?");

        Assert.Empty(naver.Server.Rejected);
        var query = Assert.Single(naver.Server.Queries);
        Assert.Equal(("무선 마우스 & 50% 할인?", 10, 1, "sim"), (query.Query, query.Display, query.Start, query.Sort));
        Assert.Equal(["used", "rental", "cbshop"], query.Exclude);
        Assert.False(query.Headers.ContainsKey("traceparent"));
        Assert.False(query.Headers.ContainsKey("cookie"));
    }

    [Fact]
    public async Task Items_on_naver_become_products_and_others_are_left_out()
    {
        await using var naver = await NaverPlatform.StartAsync();
        naver.Server.Next(NaverReply.Found(
            new NaverItem("<b>무선</b> 마우스 &amp; 패드", "https://smartstore.naver.com/main/products/10123?a=1")
            {
                LowPrice = "21990", Mall = "책상<b>가게</b>", Image = "https://pictures.example/1.jpg", Categories = ["디지털/가전", "주변기기", "마우스", "무선마우스"],
            },
            new NaverItem("다른 몰", "https://smartstore.naver.com.evil.example/products/10124"),
            new NaverItem("http", "http://smartstore.naver.com/main/products/10125"),
            new NaverItem("<b></b>", "https://smartstore.naver.com/main/products/10126"),
            new NaverItem("가격 없음", "https://search.shopping.naver.com/catalog/777")
            {
                LowPrice = "0", Mall = "", Image = "http://pictures.example/2.jpg", Categories = ["생활/건강", "문구/사무용품"],
            },
            new NaverItem("번호 없음", "https://smartstore.naver.com/shop") { ProductId = "82000000009" }));

        var products = await naver.AddReplica().SearchAsync();

        Assert.Equal(
        [
            new Product("무선 마우스 & 패드", 21990, "책상가게", "https://smartstore.naver.com/main/products/10123?a=1", "https://pictures.example/1.jpg", "마우스", "무선마우스", "10123"),
            new Product("가격 없음", null, "Unknown", "https://search.shopping.naver.com/catalog/777", "", "기타", "문구/사무용품", "777"),
            new Product("번호 없음", 10000, "샘플몰", "https://smartstore.naver.com/shop", "https://pictures.example/1.jpg", "기타", "기타", "82000000009"),
        ], products);
    }

    [Fact]
    public async Task Other_hosts_can_be_allowed()
    {
        await using var naver = await NaverPlatform.StartAsync();

        var products = await naver.AddReplica(settings: ("Naver:LinkHosts:0", "mall.example")).SearchAsync();

        Assert.Equal(3, products.Count);
        Assert.All(products, product => Assert.StartsWith("https://mall.example/", product.PurchaseUrl, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"items":[1,null,"x",{"title":5,"link":{}},{"title":"컵","link":"https://smartstore.naver.com/main/products/9","lprice":1200,"mallName":null}]}""", 1)]
    [InlineData("""{"total":0,"items":[]}""", 0)]
    public async Task An_item_that_is_none_does_not_spoil_the_others(string body, int count)
    {
        await using var naver = await NaverPlatform.StartAsync();
        naver.Server.Next(NaverReply.Text(body));

        var products = await naver.AddReplica().SearchAsync();

        Assert.Equal(count, products.Count);
        Assert.All(products, product => Assert.Equal(("컵", 1200, "Unknown"), (product.Name, product.Price, product.PurchasePlace)));
    }

    [Fact]
    public async Task More_than_was_asked_for_is_not_taken()
    {
        await using var naver = await NaverPlatform.StartAsync();
        naver.Server.Next(NaverReply.Found([.. Enumerable.Range(1, 30).Select(n => new NaverItem($"컵 {n}", $"https://smartstore.naver.com/main/products/{n}"))]));

        Assert.Equal(4, (await naver.AddReplica().SearchAsync("컵", 4)).Count);
    }

    [Theory]
    [InlineData("{\"items\": broken")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("{\"items\":{}}")]
    [InlineData("<html></html>")]
    public async Task An_answer_that_is_none_is_a_failure_and_not_asked_for_again(string body)
    {
        await using var naver = await NaverPlatform.StartAsync();
        naver.Server.Next(NaverReply.Text(body));

        Assert.Equal(ProductSearchFailure.Malformed, await naver.AddReplica().FailureAsync());
        Assert.Equal(1, naver.Server.Calls);
    }

    [Fact]
    public async Task An_answer_that_is_too_large_is_not_read_to_its_end()
    {
        await using var naver = await NaverPlatform.StartAsync();
        naver.Server.Next(NaverReply.Text($"{{\"items\":[],\"x\":\"{new string('x', 2_000_000)}\"}}"));

        Assert.Equal(ProductSearchFailure.TooLarge, await naver.AddReplica().FailureAsync());
        Assert.Equal(1, naver.Server.Calls);
    }

    [Theory]
    [InlineData(500, "SE99")]
    [InlineData(502, null)]
    [InlineData(503, "SE99")]
    [InlineData(429, "012")]
    [InlineData(429, null)]
    public async Task What_may_pass_is_asked_for_again_twice(int status, string? code)
    {
        await using var naver = await NaverPlatform.StartAsync();
        var replica = naver.AddReplica(settings: ("Naver:RateDelay", "00:00:00.010"));
        var failure = code is null ? NaverReply.Page(status) : NaverReply.Error(status, code);
        naver.Server.Next(failure, failure);

        Assert.NotEmpty(await replica.SearchAsync());
        Assert.Equal(3, naver.Server.Calls);
        Assert.Equal(2, replica.Logs.Count(2245));

        naver.Server.Next(failure, failure, failure);
        Assert.Equal(status == 429 ? ProductSearchFailure.RateLimited : ProductSearchFailure.Unavailable, await replica.FailureAsync("다른 것"));
        Assert.Equal(6, naver.Server.Calls);
    }

    [Theory]
    [InlineData("hangup")]
    [InlineData("cut")]
    public async Task A_connection_that_breaks_is_tried_again(string how)
    {
        await using var naver = await NaverPlatform.StartAsync();
        var failure = how == "cut" ? NaverReply.Cut() : NaverReply.Hangup();
        naver.Server.Next(failure, failure);

        Assert.NotEmpty(await naver.AddReplica().SearchAsync());

        naver.Server.Next(failure, failure, failure);
        Assert.Equal(ProductSearchFailure.Unreachable, await naver.AddReplica().FailureAsync("다른 것"));
        Assert.Equal(6, naver.Server.Queries.Count);
    }

    [Fact]
    public async Task Nobody_there_is_a_failure()
    {
        await using var naver = await NaverPlatform.StartAsync();

        Assert.Equal(ProductSearchFailure.Unreachable, await naver.AddReplica(settings: ("Naver:Endpoint", "http://127.0.0.1:1")).FailureAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Silence_is_given_up_after_five_seconds_and_tried_again(bool begun)
    {
        await using var naver = await NaverPlatform.StartAsync();
        var clock = new ManualTimeProvider();
        var replica = naver.AddReplica(clock, settings: [("Naver:Retries", "1"), ("Timeout", "00:05:00")]);
        naver.Server.Next(begun ? NaverReply.Half() : NaverReply.Never());

        var searching = replica.SearchAsync();
        await NaverPlatform.UntilAsync(() => naver.Server.Queries.Count == 1);
        clock.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal(0, replica.Logs.Count(2245));
        clock.Advance(TimeSpan.FromSeconds(0.1));
        await NaverPlatform.UntilAsync(() => replica.Logs.Count(2245) == 1);
        await NaverPlatform.PassUntilAsync(clock, searching);

        Assert.NotEmpty(await searching);
        Assert.Contains("NAVER_TIMEOUT", replica.Logs.Lines.Single(line => line.Id == 2245).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, "SE01", ProductSearchFailure.Refused)]
    [InlineData(404, "SE05", ProductSearchFailure.Refused)]
    [InlineData(401, "024", ProductSearchFailure.Unauthorized)]
    [InlineData(403, "028", ProductSearchFailure.Unauthorized)]
    [InlineData(429, "010", ProductSearchFailure.QuotaExhausted)]
    public async Task What_does_not_pass_is_not_asked_for_again(int status, string code, ProductSearchFailure failure)
    {
        await using var naver = await NaverPlatform.StartAsync();
        naver.Server.Next(NaverReply.Error(status, code));

        Assert.Equal(failure, await naver.AddReplica().FailureAsync());
        Assert.Equal(1, naver.Server.Calls);
    }

    [Fact]
    public async Task Another_address_is_not_followed_with_the_credentials()
    {
        await using var naver = await NaverPlatform.StartAsync();
        await using var other = await NaverServer.StartAsync();
        naver.Server.Next(NaverReply.Redirect($"{other.Address}v1/search/shop.json?query=x"));

        Assert.Equal(ProductSearchFailure.Refused, await naver.AddReplica().FailureAsync());
        Assert.Equal(0, other.Calls);
    }

    [Fact]
    public async Task A_wish_for_a_wait_is_granted_up_to_a_limit()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var clock = new ManualTimeProvider();
        var replica = naver.AddReplica(clock);
        naver.Server.Next(NaverReply.Error(429, "012", TimeSpan.FromSeconds(3)), NaverReply.Error(429, "012"));

        var searching = replica.SearchAsync();
        await NaverPlatform.UntilAsync(() => clock.Started(TimeSpan.FromSeconds(3)) == 1);
        clock.Advance(TimeSpan.FromSeconds(2.9));
        Assert.Equal(1, naver.Server.Calls);
        clock.Advance(TimeSpan.FromSeconds(0.1));
        // Without a wish it is the option's second.
        await NaverPlatform.UntilAsync(() => clock.Started(TimeSpan.FromSeconds(1)) == 1);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEmpty(await searching.WaitAsync(TimeSpan.FromSeconds(30), NaverPlatform.Cancel));
        Assert.Equal(3, naver.Server.Calls);

        naver.Server.Next(NaverReply.Error(429, "012", TimeSpan.FromMinutes(1)));
        Assert.Equal(ProductSearchFailure.RateLimited, await replica.FailureAsync("다른 것"));
        Assert.Equal(4, naver.Server.Calls);
    }

    [Fact]
    public async Task After_failures_in_a_row_Naver_is_left_alone_for_a_while()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var clock = new ManualTimeProvider();
        var replica = naver.AddReplica(clock, settings: [("Naver:Retries", "0"), ("Naver:BreakAfter", "3")]);
        naver.Server.Next(NaverReply.Page(502), NaverReply.Error(500, "SE99"), NaverReply.Text("no"));
        Assert.Equal(ProductSearchFailure.Unavailable, await replica.FailureAsync("1"));
        Assert.Equal(ProductSearchFailure.Unavailable, await replica.FailureAsync("2"));
        Assert.Equal(ProductSearchFailure.Malformed, await replica.FailureAsync("3"));

        Assert.Equal(ProductSearchFailure.CircuitOpen, await replica.FailureAsync("4"));
        Assert.Equal(3, naver.Server.Calls);

        clock.Advance(TimeSpan.FromSeconds(31));
        Assert.NotEmpty(await replica.SearchAsync("5"));
        Assert.Equal((1, 1), (replica.Logs.Count(2248), replica.Logs.Count(2249)));
    }

    [Fact]
    public async Task Requests_and_searches_are_counted_and_neither_credentials_nor_queries_are_written()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var replica = naver.AddReplica();
        using var requests = replica.Meter("desk.naver.requests");
        using var searches = replica.Meter("desk.products.searches");
        using var share = replica.Meter("desk.naver.daily.used");
        naver.Server.Next(NaverReply.Error(500, "SE99"), NaverReply.Error(401, "024"));

        var found = await replica.Finder.FindAsync(Guid.NewGuid(), ["비밀 검색어"], NaverPlatform.Cancel);

        Assert.Empty(Assert.Single(found).Products);
        Assert.Equal((1, 1, 1), (requests["NAVER_UNAVAILABLE"], requests["NAVER_UNAUTHORIZED"], searches["naver NAVER_UNAUTHORIZED"]));
        Assert.Equal(20 / 24_000d, share[""], 6);
        Assert.NotEmpty(replica.Logs.Lines);
        Assert.All(replica.Logs.Lines, line =>
        {
            Assert.DoesNotContain(naver.Server.Behaviour.ClientSecret, line.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("비밀", line.Text, StringComparison.Ordinal);
            Assert.DoesNotContain(Uri.EscapeDataString("비밀"), line.Text, StringComparison.OrdinalIgnoreCase);
        });
    }
}
