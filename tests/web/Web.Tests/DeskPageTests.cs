using System.Runtime.CompilerServices;
using Imaging;
using Platform.Tests;
using RenderSamples;

namespace Web.Tests;

/// <summary>One run of the platform without any model server: the photo is judged, planned, composed and furnished on this machine.</summary>
public sealed class DeskPageFixture : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tandem desk");
    private PlatformRun? _run;

    public PlatformRun Run => _run!;

    /// <summary>Files to choose.</summary>
    public string Desk => Path.Combine(_folder.FullName, "desk.png");

    /// <inheritdoc cref="Desk"/>
    public string Bottle => Path.Combine(_folder.FullName, "bottle.png");

    public async ValueTask InitializeAsync()
    {
        if (Browser.Missing is null)
        {
            await File.WriteAllBytesAsync(Desk, PngEncoder.Encode(SamplePictures.Desk()));
            await File.WriteAllBytesAsync(Bottle, PngEncoder.Encode(SamplePictures.Bottle()));
            _run = await PlatformRun.StartWithoutModelServerAsync("--no-build");
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

/// <summary>The desk page as a person uses it: a real browser, the real gateway and everything behind it.</summary>
public sealed class DeskPageTests(DeskPageFixture fixture) : IClassFixture<DeskPageFixture>
{
    internal const string TaskIsOver = "!document.querySelector('#result').hidden || !document.querySelector('#problem').hidden";
    private const string ArrowLeft = "\uE012";

    [Fact]
    public Task Restyles_a_desk_from_the_photo_to_the_products() => OnPageAsync(async browser =>
    {
        Assert.True(await IsAsync(browser, "document.querySelector('#start').disabled"));
        await browser.TypeAsync("#file", fixture.Desk);
        await browser.ClickAsync("#concepts input[value=CARTOON]");
        await browser.EvaluateAsync("""
            (() => {
              window.told = [];
              new MutationObserver(() => told.push(document.querySelector("#now").textContent)).observe(document.querySelector("#now"), { childList: true });
            })()
            """);
        await browser.ClickAsync("#start");
        await browser.UntilAsync(TaskIsOver);

        Assert.Equal("", await browser.TextAsync("#problem"));
        var told = await TellAsync(browser, "told.join('|')");
        var places = new[] { "Sending the photo", "Photo · ", "Desk? · ", "Plan · ", "Drawing · ", "Storing · ", "Products · ", "Finishing · " }
            .Select(stage => told.IndexOf(stage, StringComparison.Ordinal)).ToArray();
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
        Assert.True(await IsAsync(browser, "[...document.querySelectorAll('#stages li')].every(stage => stage.className === 'completed')"), told);

        Assert.Contains("No image model is configured", await browser.TextAsync("#local"));
        Assert.Equal("1024 1024", await TellAsync(browser, """
            Promise.all(["before", "made"].map(id => document.getElementById(id).decode().then(() => document.getElementById(id).naturalWidth))).then(widths => widths.join(" "))
            """));
        Assert.True(await IsAsync(browser, "document.querySelector('#before').src !== document.querySelector('#made').src"));

        // The slider uncovers one of the two, by keyboard too.
        Assert.Equal("inset(0px 0px 0px 50%)", await ClipAsync(browser));
        await browser.TypeAsync("#cut", ArrowLeft + ArrowLeft);
        Assert.Equal("inset(0px 0px 0px 48%)", await ClipAsync(browser));
        Assert.Equal("Before 48 %, After 52 %", await TellAsync(browser, "document.querySelector('#cut').ariaValueText"));

        // Samples, which are nowhere: they have no pictures that a page could show.
        Assert.True(await IsAsync(browser, "document.querySelectorAll('#products li').length >= 3"));
        Assert.True(await IsAsync(browser, """
            [...document.querySelectorAll('#products li')].every(card => card.querySelector('.price').textContent.includes('₩') && card.querySelector('div.picture')
              && card.querySelector('a').href.startsWith('https://samples.example/') && card.querySelector('a').rel === 'noopener noreferrer')
            """), await browser.TextAsync("#products"));
        await browser.ScreenshotAsync(PageTests.Screenshot("desk"));
        await browser.EvaluateAsync("document.querySelector('#products').scrollIntoView()");
        await browser.ScreenshotAsync(PageTests.Screenshot("desk-products"));

        await ReloadAsync(browser);
        await browser.UntilAsync(TaskIsOver);
        Assert.Equal("", await browser.TextAsync("#problem"));
        Assert.True(await IsAsync(browser, "document.querySelector('#made').decode().then(() => document.querySelectorAll('#products li').length >= 3)"));
        await browser.ClickAsync("#language");
        Assert.Equal("새로운 책상", await browser.TextAsync("#result-title"));
        Assert.Empty(await browser.ConsoleErrorsAsync());
    });

    [Fact]
    public Task A_page_that_is_loaded_again_in_the_middle_finds_the_task() => OnPageAsync(async browser =>
    {
        await browser.TypeAsync("#file", fixture.Desk);
        await browser.ClickAsync("#start");
        // The address says it with the answer, which the first words of a stage follow.
        await browser.UntilAsync("location.hash.length > 30");
        await ReloadAsync(browser);
        await browser.UntilAsync(TaskIsOver);
        Assert.Equal("", await browser.TextAsync("#problem"));
        Assert.True(await IsAsync(browser, "document.querySelectorAll('#products li').length >= 3"));
    });

    /// <summary>No stream, no log: the task itself is asked. Its answer is given what a model would have found in the picture.</summary>
    [Fact]
    public Task Without_a_stream_the_task_is_asked_and_places_are_marked() => OnPageAsync(async browser =>
    {
        await browser.EvaluateAsync("""
            (() => {
              const [real, Real] = [window.fetch, EventSource];
              window.EventSource = function () { return new Real("/api/v1/nothing"); };
              window.EventSource.CLOSED = Real.CLOSED;
              window.fetch = async (path, options) => {
                if (path.startsWith("/api/v1/jobs/")) throw new TypeError("away");
                const response = await real(path, options);
                if (!path.includes("/tasks/")) return response;
                const view = await response.json();
                view.result?.products.forEach((product, index) => {
                  if (index < 3) Object.assign(product, { center_x: index < 2 ? 768 : 512, center_y: 256 });
                  if (index === 3) Object.assign(product, { price: null, purchase_url: "javascript:alert(1)", image_path: "http://shopping-phinf.pstatic.net/a.jpg" });
                });
                return Response.json(view);
              };
            })()
            """);
        await browser.TypeAsync("#file", fixture.Desk);
        await browser.ClickAsync("#start");
        await browser.UntilAsync("!document.querySelector('#result').hidden");

        Assert.Equal("1 75% 25%, 2 50% 25%", await TellAsync(
            browser, "[...document.querySelectorAll('#marks .mark')].map(mark => `${mark.textContent} ${mark.style.left} ${mark.style.top}`).join(', ')"));
        Assert.Equal("1 1 2", await TellAsync(browser, "[...document.querySelectorAll('#products .mark')].map(mark => mark.textContent).join(' ')"));
        Assert.Equal("price not known", await browser.TextAsync("#products li:nth-child(4) .price"));
        Assert.True(await IsAsync(browser, "!document.querySelector('#products li:nth-child(4)').querySelector('a, img')"));
        await browser.EvaluateAsync("Promise.all([document.querySelector('#before').decode(), document.querySelector('#made').decode()]).then(() => true)");
        await browser.ScreenshotAsync(PageTests.Screenshot("desk-marks"));
    });

    [Fact]
    public Task What_is_refused_is_said_in_words() => OnPageAsync(async browser =>
    {
        await browser.TypeAsync("#file", fixture.Bottle);
        await browser.ClickAsync("#start");
        await browser.UntilAsync(TaskIsOver);
        var words = await browser.TextAsync("#problem");
        Assert.StartsWith("There seems to be no desk in the photo", words);
        Assert.EndsWith("(NOT_A_DESK)", words);
        Assert.True(await IsAsync(browser, "document.querySelector('#result').hidden && !document.querySelector('#start').disabled"));
        Assert.True(await IsAsync(browser, "document.querySelector('[data-stage=classifying]').className === 'failed'"));
        await browser.ScreenshotAsync(PageTests.Screenshot("desk-rejected"));
        await ReloadAsync(browser);
        await browser.UntilAsync(TaskIsOver);
        Assert.Equal(words, await browser.TextAsync("#problem"));
        Assert.Empty(await browser.ConsoleErrorsAsync());

        await browser.EvaluateAsync("""
            (() => {
              const real = window.fetch;
              const problem = { code: "QUOTA_ALREADY_USED", detail: "there are 5 tasks per day" };
              window.fetch = (path, options) => path.endsWith("/generate")
                ? Promise.resolve(Response.json(problem, { status: 429, headers: { "Retry-After": "3600" } })) : real(path, options);
            })()
            """);
        await browser.TypeAsync("#file", fixture.Desk);
        await browser.ClickAsync("#start");
        await browser.UntilAsync("document.querySelector('#problem').textContent.includes('QUOTA_ALREADY_USED')");
        Assert.Matches("^All pictures of today are made. Again from .*[0-9]", await browser.TextAsync("#problem"));
    });

    /// <summary>A provider sends everybody back to the first page; this one answers at once.</summary>
    [Fact]
    public Task Who_signs_in_by_a_provider_comes_back_to_the_desk() => OnPageAsync(async browser =>
    {
        await browser.EvaluateAsync("""
            (() => {
              const real = window.fetch;
              window.old = true;
              window.fetch = (path, options) => path === "/api/v1/auth/google"
                ? Promise.resolve(Response.json({ data: { authorization_url: "/#/home" } })) : real(path, options);
              import("/session.js").then(session => session.byProvider("google"));
            })()
            """);
        await browser.UntilAsync("!window.old && location.pathname === '/desk/' && document.querySelector('#start').textContent !== ''");
        Assert.Equal("/desk/", await TellAsync(browser, "location.pathname + location.hash"));
        Assert.True(await IsAsync(browser, "document.querySelector('#signin').hidden && sessionStorage.length === 0"));
        Assert.Empty(await browser.ConsoleErrorsAsync());
    });

    private async Task OnPageAsync(Func<Browser, Task> visit, [CallerMemberName] string name = "")
    {
        Assert.SkipWhen(Browser.Missing is not null, Browser.Missing ?? "");
        await OpenAsync(fixture.Run.Gateway, visit, name);
    }

    /// <summary>Opens the page as a new person, who comes from the first one.</summary>
    internal static Task OpenAsync(Uri gateway, Func<Browser, Task> visit, string name) => PageTests.OpenAsync(
        gateway,
        async browser =>
        {
            await browser.ClickAsync("nav a[href='/desk/']");
            await browser.UntilAsync("document.querySelector('#start').textContent === 'Restyle it'");
            await visit(browser);
        },
        name);

    private static async Task ReloadAsync(Browser browser)
    {
        await browser.EvaluateAsync("(() => { window.old = true; location.reload(); })()");
        await browser.UntilAsync("!window.old && document.querySelector('#start').textContent !== ''");
    }

    private static Task<string> ClipAsync(Browser browser) => TellAsync(browser, "getComputedStyle(document.querySelector('#after')).clipPath");

    private static async Task<bool> IsAsync(Browser browser, string expression) => (bool)(await browser.EvaluateAsync(expression.Trim()))!;

    private static async Task<string> TellAsync(Browser browser, string expression) => (await browser.EvaluateAsync(expression.Trim()))!.ToString();
}
