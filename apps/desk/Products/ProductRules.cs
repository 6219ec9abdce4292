using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace Desk.Products;

/// <summary>How a shop's own words become those of a <see cref="Product"/>.</summary>
internal static partial class ProductRules
{
    /// <summary>Category of what has none.</summary>
    public const string OtherCategory = "기타";

    /// <summary>Mall of what names none.</summary>
    public const string UnknownMall = "Unknown";

    /// <summary>Longest address that receivers keep.</summary>
    private const int MaxUrl = 2048;

    private const int MaxText = 300;

    /// <summary>Markup that is looked at; a title is a line.</summary>
    private const int MaxHtml = 2000;
    private const int MaxQuery = 100;

    /// <summary>Plain text of a title: no tags, entities decoded, one line.</summary>
    public static string TextOf(string? html)
    {
        var text = WithoutTags(html is { Length: > MaxHtml } ? html[..MaxHtml] : html ?? "");
        // Once more, and without what was written as entities: whoever shows it as it is shows no markup.
        text = WithoutTags(WebUtility.HtmlDecode(text));
        text = OneLine(text);
        return text.Length <= MaxText ? text : text[..(char.IsHighSurrogate(text[MaxText - 1]) ? MaxText - 1 : MaxText)];
    }

    /// <summary>What is searched for, of words that a model wrote: one line of bounded length.</summary>
    public static string QueryOf(string keyword)
    {
        var text = OneLine(keyword);
        return text.Length <= MaxQuery ? text : text[..(char.IsHighSurrogate(text[MaxQuery - 1]) ? MaxQuery - 1 : MaxQuery)].TrimEnd();
    }

    /// <summary>A price in won; null for 0, and for what is none.</summary>
    public static int? PriceOf(string? digits) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var price) && price > 0 ? price : null;

    /// <summary>The two most special categories of up to four: with a fourth main is the third and sub the fourth, with a third one up, else sub is the second.</summary>
    public static (string Main, string Sub) CategoryOf(string? first, string? second, string? third, string? fourth)
    {
        var (main, sub) = !string.IsNullOrWhiteSpace(fourth) ? (third, fourth) : !string.IsNullOrWhiteSpace(third) ? (second, third) : ("", second);
        sub = string.IsNullOrWhiteSpace(sub) ? first : sub;
        return (Named(main), Named(sub));
    }

    /// <summary>The digits after <c>/products/</c>, else after <c>/catalog/</c>, else after <c>id=</c> in the address of a product, else the shop's own id. Null without any.</summary>
    public static string? CodeOf(string link, string? productId)
    {
        foreach (var match in new[] { AfterProducts().Match(link), AfterCatalog().Match(link), AfterId().Match(link) })
        {
            if (match.Success)
            {
                return match.Groups["code"].Value;
            }
        }

        return string.IsNullOrWhiteSpace(productId) ? null : productId.Trim();
    }

    /// <summary>
    /// Whether a link leads to one of the hosts, or below one, over https on its own port. What a browser might read as another address than we do is none.
    /// </summary>
    public static bool IsOnHost(string? link, IReadOnlyCollection<string> hosts)
    {
        if (!IsHttps(link, out var uri))
        {
            return false;
        }

        var host = uri.IdnHost.TrimEnd('.');
        return hosts.Any(allowed => host.EndsWith(allowed, StringComparison.OrdinalIgnoreCase) && (host.Length == allowed.Length || host[^(allowed.Length + 1)] == '.'));
    }

    /// <summary>The address of a picture; empty for what is none.</summary>
    public static string PictureOf(string? address) => IsHttps(address, out _) ? address! : "";

    private static bool IsHttps(string? address, out Uri uri)
    {
        uri = null!;
        return address is { Length: > 0 and <= MaxUrl }
            && address.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
            && !address.Any(letter => letter <= ' ' || letter == '\\' || char.IsControl(letter))
            && Uri.TryCreate(address, UriKind.Absolute, out uri!)
            && uri.Scheme == Uri.UriSchemeHttps && uri.IsDefaultPort && uri.UserInfo.Length == 0 && !Authority(address).Contains('@', StringComparison.Ordinal);
    }

    private static string Authority(string address)
    {
        var rest = address["https://".Length..];
        var end = rest.AsSpan().IndexOfAny("/?#");
        return end < 0 ? rest : rest[..end];
    }

    private static string Named(string? category) => TextOf(category) is { Length: > 0 } name ? name : OtherCategory;

    /// <summary>Until there are none: what is left of a tag in a tag may be one.</summary>
    private static string WithoutTags(string text)
    {
        for (var before = ""; before != text;)
        {
            before = text;
            text = Tag().Replace(text, "");
        }

        return text;
    }

    private static string OneLine(string text)
    {
        var line = new StringBuilder(text.Length);
        foreach (var letter in text)
        {
            var isBlank = char.IsWhiteSpace(letter) || char.IsControl(letter);
            if (!isBlank)
            {
                line.Append(letter);
            }
            else if (line.Length > 0 && line[^1] != ' ')
            {
                line.Append(' ');
            }
        }

        return line.ToString().TrimEnd();
    }

    [GeneratedRegex(@"</?[a-zA-Z!][^<>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"/products/(?<code>[0-9]+)")]
    private static partial Regex AfterProducts();

    [GeneratedRegex(@"/catalog/(?<code>[0-9]+)")]
    private static partial Regex AfterCatalog();

    [GeneratedRegex(@"[?&]id=(?<code>[0-9]+)")]
    private static partial Regex AfterId();
}
