using System.Runtime.CompilerServices;
using FakeModelServer;
using Imaging;
using Platform.Tests;
using RenderSamples;

namespace Web.Tests;

/// <summary>One run of the platform for the whole class; its tests run one after the other, each in a browser that was never here.</summary>
public sealed class PageFixture : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tandem photo");
    private PlatformRun? _run;

    public PlatformRun Run => _run!;

    /// <summary>A file to choose.</summary>
    public string Photo => Path.Combine(_folder.FullName, "bottle.png");

    public async ValueTask InitializeAsync()
    {
        if (Browser.Missing is null)
        {
            await File.WriteAllBytesAsync(Photo, PngEncoder.Encode(SamplePictures.Bottle()));
            _run = await PlatformRun.StartAsync(new FakeModelOptions(), "--no-build");
        }
    }

    public async ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        if (_run is not null)
        {
            await _run.DisposeAsync();
        }
    }
}

/// <summary>The page as a person uses it: a real browser, the real gateway and everything behind it.</summary>
public sealed class PageTests(PageFixture fixture) : IClassFixture<PageFixture>
{
    internal const string ScanIsOver = "!document.querySelector('#result').hidden || !document.querySelector('#problem').hidden";

    private static readonly byte[] Photo = PngEncoder.Encode(SamplePictures.Bottle());

    private PlatformRun Platform => fixture.Run;

    [Fact]
    public Task Shows_a_scan_from_the_photo_to_the_reward() => OnPageAsync(new FakeModelOptions(), async browser =>
    {
        Assert.Equal("true", await ValueAsync(browser, "document.querySelector('#start').disabled"));
        await browser.TypeAsync("#file", fixture.Photo);
        await browser.UntilAsync("document.querySelector('#preview').naturalWidth > 0");
        await browser.ClickAsync("#start");
        await browser.UntilAsync(ScanIsOver);

        Assert.Equal("", await browser.TextAsync("#problem"));
        Assert.Equal("queued vision rule answer reward", await StagesAsync(browser, "completed"));
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
        await browser.ScreenshotAsync(Screenshot("scan"));
        Assert.Empty(await browser.ConsoleErrorsAsync());
    });

    /// <summary>By plain http under another name than localhost browsers do not hash: what goes to images need not be announced.</summary>
    [Fact]
    public Task Where_browsers_do_not_hash_a_photo_is_scanned_all_the_same() => OnPageAsync(
        new FakeModelOptions(),
        async browser =>
        {
            Assert.Equal("false undefined", await ValueAsync(browser, "`${isSecureContext} ${crypto.subtle}`"));
            await browser.TypeAsync("#file", fixture.Photo);
            await browser.ClickAsync("#start");
            await browser.UntilAsync(ScanIsOver);

            Assert.Equal("", await browser.TextAsync("#problem"));
            Assert.Contains("무색페트병", await browser.TextAsync("#what"));
        },
        Browser.OtherName);

    [Fact]
    public async Task A_dropped_photo_is_followed_live()
    {
        using var vision = new Gate();
        using var answer = new Gate();
        await OnPageAsync(new FakeModelOptions { VisionUntil = vision.Opened, AnswerUntil = answer.Opened }, async browser =>
        {
            await browser.DropAsync("#drop", "bottle.png", "image/png", Photo);
            await browser.UntilAsync("document.querySelector('#preview').naturalWidth > 0");
            await browser.ClickAsync("#start");

            await browser.UntilAsync("document.querySelector('[data-stage=vision].started')");
            Assert.Equal("queued", await StagesAsync(browser, "completed"));
            Assert.Equal("true", await ValueAsync(browser, "document.querySelector('#result').hidden"));
            vision.Open();
            await browser.UntilAsync("document.querySelector('[data-stage=answer].started')");
            Assert.Equal("queued vision rule", await StagesAsync(browser, "completed"));
            Assert.InRange(int.Parse(await ValueAsync(browser, "document.querySelector('#bar').value")), 1, 99);
            Assert.Equal("true", await ValueAsync(browser, "document.querySelector('#result').hidden"));
            answer.Open();
            await browser.UntilAsync(ScanIsOver);
            Assert.Equal("", await browser.TextAsync("#problem"));
            Assert.Equal("queued vision rule answer reward", await StagesAsync(browser, "completed"));
            Assert.Contains("무색페트병", await browser.TextAsync("#what"));
        });
    }

    [Fact]
    public Task A_scan_can_be_stopped() => OnPageAsync(new FakeModelOptions { VisionLatency = TimeSpan.FromMinutes(1) }, async browser =>
    {
        await browser.TypeAsync("#file", fixture.Photo);
        await browser.ClickAsync("#start");
        await browser.UntilAsync("document.querySelector('[data-stage=vision].started')");
        await browser.ClickAsync("#cancel");
        await browser.UntilAsync(ScanIsOver);

        Assert.Equal("cancelled", await browser.TextAsync("#problem"));
        Assert.Equal("true", await ValueAsync(browser, "document.querySelector('#cancel').hidden"));
        Assert.Equal("false", await ValueAsync(browser, "document.querySelector('#start').disabled"));
        await browser.UntilAsync("document.querySelector('#scans button')?.textContent.includes('cancelled')");
    });

    [Fact]
    public Task What_is_no_photo_or_too_large_is_said_and_the_next_photo_is_taken() => OnPageAsync(new FakeModelOptions(), async browser =>
    {
        await browser.DropAsync("#drop", "text.png", "image/png", "this is no picture"u8.ToArray());
        await browser.ClickAsync("#start");
        await browser.UntilAsync("document.querySelector('#problem').textContent.includes('UNSUPPORTED_IMAGE')");

        await browser.DropAsync("#drop", "large.png", "image/png", Photo, zeros: 21 * 1024 * 1024);
        await browser.ClickAsync("#start");
        await browser.UntilAsync("document.querySelector('#problem').textContent === 'The photo is too large'");

        await browser.DropAsync("#drop", "bottle.png", "image/png", Photo);
        await browser.ClickAsync("#start");
        await browser.UntilAsync("!document.querySelector('#result').hidden");
        Assert.Equal("true", await ValueAsync(browser, "document.querySelector('#problem').hidden"));
    });

    [Fact]
    public Task A_failed_scan_says_why_at_once_and_later() => OnPageAsync(new FakeModelOptions { FailNext = 1000, FailStatus = 400 }, async browser =>
    {
        await browser.TypeAsync("#file", fixture.Photo);
        await browser.ClickAsync("#start");
        await browser.UntilAsync(ScanIsOver);
        var problem = await browser.TextAsync("#problem");
        Assert.Contains("SCAN_FAILED", problem);

        await browser.GoToAsync(Platform.Gateway);
        await browser.UntilAsync("document.querySelector('#scans button')?.textContent.includes('failed')");
        await browser.ClickAsync("#scans button");
        await browser.UntilAsync(ScanIsOver);
        Assert.Equal(problem, await browser.TextAsync("#problem"));
    });

    [Fact]
    public Task The_page_speaks_both_languages_and_shows_earlier_scans() => OnPageAsync(new FakeModelOptions(), async browser =>
    {
        await browser.TypeAsync("#file", fixture.Photo);
        await browser.ClickAsync("#start");
        await browser.UntilAsync(ScanIsOver);

        Assert.Equal("Find out", await browser.TextAsync("#start"));
        await browser.ClickAsync("#language");
        await browser.UntilAsync("document.querySelector('#scans button')?.textContent.includes('완료')");
        Assert.Equal("ko", await ValueAsync(browser, "document.documentElement.lang"));
        Assert.Equal("알아보기", await browser.TextAsync("#start"));

        await browser.GoToAsync(Platform.Gateway);
        await browser.UntilAsync("document.querySelector('#scans button')?.textContent.includes('완료')");
        await browser.ClickAsync("#scans button");
        await browser.UntilAsync("!document.querySelector('#result').hidden");
        Assert.Contains("무색페트병", await browser.TextAsync("#what"));
        Assert.Empty(await browser.ConsoleErrorsAsync());
    });

    /// <summary>The first stream is refused, for which no browser reconnects; sse dies under the second one.</summary>
    [Fact]
    public async Task Refused_streams_and_the_death_of_sse_lose_nothing()
    {
        using var vision = new Gate();
        await OnPageAsync(new FakeModelOptions { VisionUntil = vision.Opened, AnswerLatency = TimeSpan.FromSeconds(2) }, async browser =>
        {
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
            await browser.TypeAsync("#file", fixture.Photo);
            await browser.ClickAsync("#start");

            await browser.UntilAsync("document.body.dataset.streams === '2'");
            await Platform.KillAsync("sse#0", TestContext.Current.CancellationToken);
            vision.Open();
            await browser.UntilAsync(ScanIsOver);

            Assert.Equal("", await browser.TextAsync("#problem"));
            Assert.Equal("queued vision rule answer reward", await StagesAsync(browser, "completed"));
            Assert.Equal("true", await ValueAsync(browser, "document.querySelector('#cancel').hidden"));
        });
    }

    [Fact]
    public async Task A_session_that_expires_in_the_middle_of_a_scan_is_refreshed_once()
    {
        using var vision = new Gate();
        await OnPageAsync(new FakeModelOptions { VisionUntil = vision.Opened }, async browser =>
        {
            await browser.EvaluateAsync("""
                (() => {
                  const real = window.fetch;
                  document.body.dataset.refreshes = 0;
                  window.fetch = (path, options) => {
                    if (path === "/api/v1/auth/refresh") document.body.dataset.refreshes++;
                    return real(path, options);
                  };
                })()
                """);
            await browser.TypeAsync("#file", fixture.Photo);
            await browser.ClickAsync("#start");
            await browser.UntilAsync("document.querySelector('[data-stage=vision].started')");
            await browser.ForgetCookieAsync("s_access");
            // Several requests at once: scans, points, characters and the catalogue.
            await browser.ClickAsync("#language");
            await browser.UntilAsync("document.body.dataset.refreshes === '1'");
            vision.Open();
            // The scan may be over by now.
            await browser.UntilAsync("/진행 중|완료/.test(document.querySelector('#scans button')?.textContent)");
            await browser.UntilAsync(ScanIsOver);

            Assert.Equal("", await browser.TextAsync("#problem"));
            Assert.Equal("queued vision rule answer reward", await StagesAsync(browser, "completed"));
            Assert.Equal("1", await ValueAsync(browser, "document.body.dataset.refreshes"));
            Assert.Equal("true", await ValueAsync(browser, "document.querySelector('#signin').hidden"));
        });
    }

    [Fact]
    public Task Who_has_to_sign_in_again_loses_nothing() => OnPageAsync(new FakeModelOptions(), async browser =>
    {
        await browser.TypeAsync("#file", fixture.Photo);
        await browser.TypeAsync("#question", "with the cap on?");
        await browser.ForgetCookieAsync("s_access");
        await browser.ForgetCookieAsync("s_refresh");
        await browser.ClickAsync("#start");
        await browser.UntilAsync("!document.querySelector('#signin').hidden && document.querySelector('#by-guest')");
        Assert.Equal("with the cap on?", await ValueAsync(browser, "document.querySelector('#question').value"));
        Assert.Equal("true", await ValueAsync(browser, "document.querySelector('#preview').naturalWidth > 0"));

        // What was asked for waits, and goes on by itself.
        await browser.ClickAsync("#by-guest");
        await browser.UntilAsync(ScanIsOver);
        Assert.Equal("", await browser.TextAsync("#problem"));
        Assert.Contains("무색페트병", await browser.TextAsync("#what"));
    });

    [Fact]
    public Task A_person_sees_friends_and_devices_changes_the_name_and_signs_out() => OnPageAsync(new FakeModelOptions(), async browser =>
    {
        await browser.UntilAsync("document.querySelectorAll('#missing li').length > 5");
        await browser.ClickAsync("#account-open");
        await browser.UntilAsync("document.querySelector('#devices li')?.textContent.includes('this device')");
        await browser.TypeAsync("#nickname", "Dana");
        await browser.ClickAsync("#profile button");
        await browser.UntilAsync("document.querySelector('#who').textContent.startsWith('Dana')");
        await browser.ScreenshotAsync(Screenshot("account"));
        Assert.Empty(await browser.ConsoleErrorsAsync());

        await browser.ClickAsync("#signout");
        await browser.UntilAsync("!document.querySelector('#signin').hidden && document.querySelector('#by-guest')");
        Assert.Equal("true", await ValueAsync(browser, "document.querySelector('#account-open').hidden"));
        Assert.Equal("", await browser.TextAsync("#characters"));
        await browser.ScreenshotAsync(Screenshot("signin"));
        Assert.Empty(await browser.ConsoleErrorsAsync());
    });

    [Fact]
    public Task A_person_signs_out_everywhere_and_deletes_the_account() => OnPageAsync(new FakeModelOptions(), async browser =>
    {
        await browser.ClickAsync("#account-open");
        await browser.UntilAsync("document.querySelector('#devices li')");
        await browser.ClickAsync("#signout-all");
        await browser.UntilAsync("!document.querySelector('#signin').hidden && document.querySelector('#by-guest')");

        await browser.ClickAsync("#by-guest");
        await browser.UntilAsync("document.querySelector('#points').textContent.startsWith('0 ')");
        await browser.ClickAsync("#account-open");
        await browser.UntilAsync("document.querySelector('#devices li')");
        await browser.ClickAsync("#delete");
        await browser.ClickAsync("#delete-yes");
        await browser.UntilAsync("!document.querySelector('#signin').hidden && document.querySelector('#by-guest')");
    });

    private async Task OnPageAsync(FakeModelOptions behaviour, Func<Browser, Task> visit, string host = "127.0.0.1", [CallerMemberName] string name = "")
    {
        Assert.SkipWhen(Browser.Missing is not null, Browser.Missing ?? "");
        Platform.Model.Behave(behaviour);
        await OpenAsync(new UriBuilder(Platform.Gateway) { Host = host }.Uri, visit, name);
    }

    /// <summary>Opens the page as a new person. A page that does not do what is expected is photographed.</summary>
    internal static async Task OpenAsync(Uri address, Func<Browser, Task> visit, string name)
    {
        await using var browser = await Browser.StartAsync("en");
        try
        {
            await browser.GoToAsync(address);
            await browser.UntilAsync("document.querySelector('#by-guest')");
            await browser.ClickAsync("#by-guest");
            await browser.UntilAsync("document.querySelector('#points').textContent.startsWith('0 ')");
            await visit(browser);
        }
        catch
        {
            await browser.ScreenshotAsync(Screenshot($"failed-{name}"));
            throw;
        }
    }

    internal static string Screenshot(string name) => Path.Combine(PlatformRun.Root, "artifacts", "screenshots", name + ".png");

    private static Task<string> StagesAsync(Browser browser, string state) =>
        ValueAsync(browser, $"[...document.querySelectorAll('#stages li.{state}')].map(stage => stage.dataset.stage).join(' ')");

    private static async Task<string> ValueAsync(Browser browser, string expression) => (await browser.EvaluateAsync(expression))!.ToString();
}
