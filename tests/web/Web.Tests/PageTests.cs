using FakeModelServer;
using Imaging;
using Platform.Tests;
using RenderSamples;

namespace Web.Tests;

/// <summary>The page as a person uses it: a real browser, the real gateway and everything behind it.</summary>
[Trait("Category", "Browser")]
public sealed class PageTests
{
    [Fact]
    public async Task Shows_a_scan_from_the_photo_to_the_reward()
    {
        Assert.SkipWhen(Browser.Missing is not null, Browser.Missing ?? "");
        await using var platform = await PlatformRun.StartAsync(new FakeModelOptions(), "--no-build");
        await using var browser = await Browser.StartAsync("en");
        var photo = Path.Combine(Directory.CreateTempSubdirectory("tandem photo").FullName, "bottle.png");
        try
        {
            await File.WriteAllBytesAsync(photo, PngEncoder.Encode(SamplePictures.Bottle()), TestContext.Current.CancellationToken);
            await browser.GoToAsync(platform.Gateway);
            await browser.UntilAsync("document.querySelector('#points').textContent.startsWith('0 ')");
            Assert.Equal("true", await ValueAsync(browser, "document.querySelector('#start').disabled"));

            await browser.TypeAsync("#file", photo);
            await browser.UntilAsync("document.querySelector('#preview').naturalWidth > 0");
            await browser.ClickAsync("#start");
            await browser.UntilAsync("!document.querySelector('#result').hidden || !document.querySelector('#problem').hidden");

            Assert.Equal("", await browser.TextAsync("#problem"));
            Assert.Equal("queued vision rule answer reward", await ValueAsync(
                browser, "[...document.querySelectorAll('#stages li.completed')].map(stage => stage.dataset.stage).join(' ')"));
            Assert.Equal("100", await ValueAsync(browser, "document.querySelector('#bar').value"));
            Assert.Contains("무색페트병", await browser.TextAsync("#what"));
            var certainty = await browser.TextAsync("#certainty");
            Assert.Contains("confidence 93 %", certainty);
            Assert.Contains("runner-up", certainty);
            Assert.NotEqual("", await browser.TextAsync("#answer"));
            Assert.Contains(" +", await browser.TextAsync("#reward-name"));
            Assert.Contains("gpt-5.2", await browser.TextAsync("#provenance"));

            // The list, and what comes a moment later by message: the reward's points and its character.
            await browser.UntilAsync("document.querySelector('#scans button')?.textContent.includes('done')");
            await browser.UntilAsync("!document.querySelector('#points').textContent.startsWith('0 ') && document.querySelector('#characters li')");
            await browser.ScreenshotAsync(Path.Combine(PlatformRun.Root, "artifacts", "screenshots", "scan.png"));
            Assert.Empty(await browser.ConsoleErrorsAsync());
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(photo)!, recursive: true);
        }

        await SwitchesLanguageAsync(browser);
        await ShowsAnEarlierScanAfterReloadAsync(browser, platform);
        await SurvivesRefusedStreamsAndTheDeathOfSseAsync(browser, platform);
    }

    private static async Task SwitchesLanguageAsync(Browser browser)
    {
        Assert.Equal("Find out", await browser.TextAsync("#start"));
        await browser.ClickAsync("#language");
        await browser.UntilAsync("document.querySelector('#scans button')?.textContent.includes('완료')");
        Assert.Equal("ko", await ValueAsync(browser, "document.documentElement.lang"));
        Assert.Equal("알아보기", await browser.TextAsync("#start"));
        await browser.ClickAsync("#language");
        await browser.UntilAsync("document.querySelector('#scans button')?.textContent.includes('done')");
    }

    private static async Task ShowsAnEarlierScanAfterReloadAsync(Browser browser, PlatformRun platform)
    {
        await browser.GoToAsync(platform.Gateway);
        await browser.UntilAsync("document.querySelector('#scans button')?.textContent.includes('done')");
        await browser.ClickAsync("#scans button");
        await browser.UntilAsync("!document.querySelector('#result').hidden");
        Assert.Contains("무색페트병", await browser.TextAsync("#what"));
        Assert.Empty(await browser.ConsoleErrorsAsync());
    }

    /// <summary>The first stream is refused, for which no browser reconnects; sse dies under the second one.</summary>
    private static async Task SurvivesRefusedStreamsAndTheDeathOfSseAsync(Browser browser, PlatformRun platform)
    {
        platform.Model.Behave(new FakeModelOptions { VisionLatency = TimeSpan.FromSeconds(6), AnswerLatency = TimeSpan.FromSeconds(6) });
        var photo = Path.Combine(Directory.CreateTempSubdirectory("tandem photo").FullName, "bottle.png");
        try
        {
            await File.WriteAllBytesAsync(photo, PngEncoder.Encode(SamplePictures.Bottle()), TestContext.Current.CancellationToken);
            await browser.EvaluateAsync("""
                (() => {
                  const Real = EventSource;
                  let opened = 0;
                  window.EventSource = function (url) {
                    document.body.dataset.streams = ++opened;
                    return new Real(opened === 1 ? "/api/v1/nothing" : url);
                  };
                  window.EventSource.CLOSED = Real.CLOSED;
                })()
                """);
            await browser.TypeAsync("#file", photo);
            await browser.UntilAsync("!document.querySelector('#start').disabled");
            await browser.ClickAsync("#start");

            await browser.UntilAsync("document.body.dataset.streams === '2'");
            await platform.KillAsync("sse#0", TestContext.Current.CancellationToken);
            await browser.UntilAsync("document.querySelectorAll('#stages li.completed').length === 5 && !document.querySelector('#result').hidden");

            Assert.Equal("", await browser.TextAsync("#problem"));
            Assert.Equal("true", await ValueAsync(browser, "document.querySelector('#cancel').hidden"));
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(photo)!, recursive: true);
        }
    }

    private static async Task<string> ValueAsync(Browser browser, string expression) => (await browser.EvaluateAsync(expression))!.ToString();
}
