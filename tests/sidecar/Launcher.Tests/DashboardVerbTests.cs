using System.Net;
using System.Text.RegularExpressions;
using LocalServers.Processes;

namespace Launcher.Tests;

public sealed partial class DashboardVerbTests
{
    [Fact]
    public async Task Prints_an_address_that_opens_the_page_and_ends_with_the_verb()
    {
        await using var verb = new LaunchedRun();
        verb.StartVerb("dashboard", "--data-dir", verb.Data.Root);
        await verb.SeesAsync("open http://127.0.0.1:");
        var address = new Uri(Address().Match(verb.Output).Value);
        using var browser = new HttpClient(new HttpClientHandler { UseProxy = false }) { Timeout = LaunchedRun.Patience };

        Assert.Contains("Tandem dashboard", await browser.GetStringAsync(address), StringComparison.Ordinal);
        Assert.Contains("\"processes\":[]", await browser.GetStringAsync(new Uri(address, "/api/run")), StringComparison.Ordinal);

        verb.Signal(Libc.SigTerm);
        Assert.Equal(0, await verb.ExitsAsync());
        var gone = await Assert.ThrowsAsync<HttpRequestException>(() => browser.GetAsync(address));
        Assert.Equal(HttpRequestError.ConnectionError, gone.HttpRequestError);
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/\?token=\w+")]
    private static partial Regex Address();
}
