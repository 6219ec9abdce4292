using FakeModelServer;
using Imaging;
using Platform.Tests;
using RenderSamples;
using S3Servers;

namespace Web.Tests;

/// <summary>One run of the platform with pictures in a bucket, on the server that checks every signature; its CORS allows what docs/images.md says.</summary>
public sealed class BucketPageFixture : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tandem bucket");
    private PlatformRun? _run;
    private S3Server? _server;

    public PlatformRun Run => _run!;

    public S3Server Server => _server!;

    /// <summary>A file to choose.</summary>
    public string Photo => Path.Combine(_folder.FullName, "desk.png");

    public async ValueTask InitializeAsync()
    {
        if (Browser.Missing is null)
        {
            await File.WriteAllBytesAsync(Photo, PngEncoder.Encode(SamplePictures.Desk()));
            _server = await S3Server.StartAsync();
            _run = await PlatformRun.StartAsync(new FakeModelOptions(), PictureBucket.On(_server), "local", [], "--no-build");
            _server.PageOrigin = _run.Gateway.GetLeftPart(UriPartial.Authority);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        if (_run is not null)
        {
            await _run.DisposeAsync();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}

/// <summary>The pages where uploads go to a bucket, straight from the browser.</summary>
public sealed class BucketPageTests(BucketPageFixture fixture) : IClassFixture<BucketPageFixture>
{
    [Fact]
    public async Task A_photo_goes_straight_to_the_bucket_and_is_scanned()
    {
        Assert.SkipWhen(Browser.Missing is not null, Browser.Missing ?? "");
        await PageTests.OpenAsync(
            fixture.Run.Gateway,
            async browser =>
            {
                await browser.EvaluateAsync("""
                    (() => {
                      const real = window.fetch;
                      window.sent = [];
                      window.fetch = (address, options) => {
                        if (options.method === "PUT") sent.push(new URL(address, location).origin);
                        return real(address, options);
                      };
                    })()
                    """);
                await browser.TypeAsync("#file", fixture.Photo);
                await browser.ClickAsync("#start");
                await browser.UntilAsync(PageTests.ScanIsOver);

                Assert.Equal("", await browser.TextAsync("#problem"));
                Assert.Contains("무색페트병", await browser.TextAsync("#what"));
                Assert.Equal(fixture.Server.Address, (string?)await browser.EvaluateAsync("sent.join(' ')"));
                Assert.Contains(fixture.Server.Objects.Keys, key => key.StartsWith("scan/", StringComparison.Ordinal));
                Assert.DoesNotContain(fixture.Server.Objects.Keys, key => key.StartsWith("uploads/", StringComparison.Ordinal));
                Assert.Empty(await browser.ConsoleErrorsAsync());
            },
            nameof(A_photo_goes_straight_to_the_bucket_and_is_scanned));
    }

    [Fact]
    public async Task A_desk_of_the_bucket_is_restyled_and_shown()
    {
        Assert.SkipWhen(Browser.Missing is not null, Browser.Missing ?? "");
        await DeskPageTests.OpenAsync(
            fixture.Run.Gateway,
            async browser =>
            {
                await browser.TypeAsync("#file", fixture.Photo);
                await browser.ClickAsync("#start");
                await browser.UntilAsync(DeskPageTests.TaskIsOver);

                Assert.Equal("", await browser.TextAsync("#problem"));
                Assert.Equal("1024 1024", (string?)await browser.EvaluateAsync("""
                    Promise.all(["before", "made"].map(id => document.getElementById(id).decode().then(() => document.getElementById(id).naturalWidth))).then(widths => widths.join(" "))
                    """.Trim()));
                Assert.Contains(fixture.Server.Objects.Keys, key => key.StartsWith("generated/", StringComparison.Ordinal));
                Assert.Empty(await browser.ConsoleErrorsAsync());
            },
            nameof(A_desk_of_the_bucket_is_restyled_and_shown));
    }

    /// <summary>An address of a bucket is signed for one file, and browsers hash in secure contexts alone.</summary>
    [Fact]
    public async Task Where_browsers_do_not_hash_the_page_says_what_to_do()
    {
        Assert.SkipWhen(Browser.Missing is not null, Browser.Missing ?? "");
        await PageTests.OpenAsync(
            new UriBuilder(fixture.Run.Gateway) { Host = Browser.OtherName }.Uri,
            async browser =>
            {
                await browser.TypeAsync("#file", fixture.Photo);
                await browser.ClickAsync("#start");
                await browser.UntilAsync(PageTests.ScanIsOver);

                Assert.Equal("Photos can be sent over https only. Please open this page by its https address (UPLOAD_NOT_ANNOUNCED)", await browser.TextAsync("#problem"));
            },
            nameof(Where_browsers_do_not_hash_the_page_says_what_to_do));
    }
}
