using Desk.Products;

namespace Desk.Tests;

/// <summary>How a shop's words become a product's.</summary>
public sealed class ProductRulesTests
{
    private static readonly string[] Hosts = ["smartstore.naver.com", "shopping.naver.com"];

    [Theory]
    [InlineData("<b>무선</b> 마우스", "무선 마우스")]
    [InlineData("  A &amp; B\n <B class=\"x\">C</B> ", "A & B C")]
    [InlineData("5 < 6 and 7 > 2", "5 < 6 and 7 > 2")]
    [InlineData("&lt;script&gt;alert(1)&lt;/script&gt;x", "alert(1)x")]
    [InlineData("<scr<b>ipt>alert(1)", "alert(1)")]
    [InlineData("a\u0000b\u2028c", "a b c")]
    [InlineData("<!-- 주석 -->컵", "컵")]
    [InlineData(null, "")]
    public void A_title_is_one_line_without_markup(string? html, string text) => Assert.Equal(text, ProductRules.TextOf(html));

    [Fact]
    public void Long_and_nested_markup_is_cut_before_it_costs_anything()
    {
        var text = ProductRules.TextOf(string.Concat(Enumerable.Repeat("<a", 400_000)) + new string('>', 400_000));

        Assert.InRange(text.Length, 0, 300);
        Assert.Equal(300, ProductRules.TextOf(new string('가', 5_000)).Length);
        Assert.Equal(299, ProductRules.TextOf(new string('a', 299) + "😀").Length);
    }

    [Theory]
    [InlineData("21990", 21990)]
    [InlineData("0", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    [InlineData("-5", null)]
    [InlineData("21,990", null)]
    [InlineData("99999999999", null)]
    public void A_price_is_won_or_not_known(string? text, int? price) => Assert.Equal(price, ProductRules.PriceOf(text));

    [Theory]
    [InlineData("디지털/가전", "주변기기", "마우스", "무선마우스", "마우스", "무선마우스")]
    [InlineData("생활/건강", "문구/사무용품", "연필꽂이", "", "문구/사무용품", "연필꽂이")]
    [InlineData("가구/인테리어", "인테리어소품", "", "", "기타", "인테리어소품")]
    [InlineData("가구/인테리어", "", "", null, "기타", "가구/인테리어")]
    [InlineData(null, null, " ", null, "기타", "기타")]
    [InlineData("a", "b", "", "d", "기타", "d")]
    public void Categories_are_the_two_most_special(string? first, string? second, string? third, string? fourth, string main, string sub) =>
        Assert.Equal((main, sub), ProductRules.CategoryOf(first, second, third, fourth));

    [Theory]
    [InlineData("https://smartstore.naver.com/main/products/10123?x=/catalog/5", "7", "10123")]
    [InlineData("https://search.shopping.naver.com/catalog/52911?id=8", "7", "52911")]
    [InlineData("https://search.shopping.naver.com/gate.nhn?nv_mid=1&id=31415", "7", "31415")]
    [InlineData("https://search.shopping.naver.com/gate.nhn?id=31415", "7", "31415")]
    [InlineData("https://smartstore.naver.com/some-shop", " 82001 ", "82001")]
    [InlineData("https://smartstore.naver.com/products/abc", "82001", "82001")]
    [InlineData("https://smartstore.naver.com/some-shop", "", null)]
    public void A_code_comes_from_the_address_else_from_the_shop(string link, string? productId, string? code) => Assert.Equal(code, ProductRules.CodeOf(link, productId));

    [Theory]
    [InlineData("https://smartstore.naver.com/main/products/1", true)]
    [InlineData("https://search.shopping.naver.com/catalog/1", true)]
    [InlineData("https://SMARTSTORE.NAVER.COM./main/products/1", true)]
    [InlineData("https://smartstore.naver.com:443/main/products/1", true)]
    [InlineData("http://smartstore.naver.com/main/products/1", false)]
    [InlineData("https://smartstore.naver.com.evil.example/main/products/1", false)]
    [InlineData("https://evilsmartstore.naver.com/products/1", false)]
    [InlineData("https://evil.example/smartstore.naver.com/products/1", false)]
    [InlineData("https://smartstore.naver.com@evil.example/products/1", false)]
    [InlineData("https://evil.example#@smartstore.naver.com/products/1", false)]
    [InlineData("https://evil.example\\@smartstore.naver.com/products/1", false)]
    [InlineData("https://a:b@smartstore.naver.com/products/1", false)]
    [InlineData("https://@smartstore.naver.com/products/1", false)]
    [InlineData("https://smartstore.naver.com:8443/products/1", false)]
    [InlineData("https:/smartstore.naver.com/products/1", false)]
    [InlineData(" https://smartstore.naver.com/products/1", false)]
    [InlineData("https://smartstore.naver.com/a b", false)]
    [InlineData("javascript:alert('https://smartstore.naver.com')", false)]
    [InlineData("//smartstore.naver.com/products/1", false)]
    [InlineData("https://naver.com/products/1", false)]
    [InlineData("https://smartstore.naver.com。evil.example/products/1", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Only_links_to_the_named_hosts_are_kept(string? link, bool isKept) => Assert.Equal(isKept, ProductRules.IsOnHost(link, Hosts));

    [Fact]
    public void An_address_longer_than_receivers_keep_is_none()
    {
        var link = "https://smartstore.naver.com/products/" + new string('1', 2048);

        Assert.False(ProductRules.IsOnHost(link, Hosts));
        Assert.True(ProductRules.IsOnHost(link[..2048], Hosts));
    }

    [Theory]
    [InlineData("https://phinf.example/1.jpg", "https://phinf.example/1.jpg")]
    [InlineData("http://phinf.example/1.jpg", "")]
    [InlineData("data:image/png;base64,AA", "")]
    [InlineData(null, "")]
    public void A_picture_is_at_an_https_address_or_there_is_none(string? address, string kept) => Assert.Equal(kept, ProductRules.PictureOf(address));

    [Theory]
    [InlineData("  무선\t마우스\r\n", "무선 마우스")]
    [InlineData("\u0000\u0007", "")]
    public void A_query_is_one_line(string keyword, string query)
    {
        Assert.Equal(query, ProductRules.QueryOf(keyword));
        Assert.Equal(100, ProductRules.QueryOf(new string('가', 1000)).Length);
    }
}
