using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapr.Client.Tests;
using Imaging;
using TestKit;

namespace Images.Tests;

/// <summary>Ticket, upload and callback over HTTP.</summary>
public sealed class UploadTests : IAsyncLifetime
{
    private static readonly byte[] Picture = PngEncoder.Encode(new Bitmap(10, 10));
    private static readonly byte[] Other = PngEncoder.Encode(new Bitmap(10, 11));

    private readonly TempDirectory _objects = new();
    private LocalSidecar _sidecar = null!;
    private ImagesApp _app = null!;
    private HttpClient _user = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _sidecar = await LocalSidecar.StartAsync(stateStore: Contracts.Components.StateStore);
        _app = new ImagesApp(_sidecar, _objects.Path, ("MaxOpenTickets", "2"), ("MaxPixels", "1000"));
        _user = _app.ClientOf("u1");
    }

    public async ValueTask DisposeAsync()
    {
        _user.Dispose();
        await _app.DisposeAsync();
        await _sidecar.DisposeAsync();
        _objects.Dispose();
    }

    [Fact]
    public async Task A_late_upload_never_replaces_a_finished_picture()
    {
        var key = await TicketAsync();
        var first = await PutAsync(key, Picture);
        using var paused = new PausedContent(Other);
        var late = PutAsync(key, paused);
        await paused.Asked.WaitAsync(ImagesApp.Patience, Cancellation);
        Assert.Equal((200, null), await FinishAsync(key, first.ETag!));

        paused.Continue();

        Assert.Equal((409, "UPLOAD_FINISHED"), ((await late).Status, (await late).Code));
        using var stored = await _user.GetAsync(new Uri($"/api/v1/images/{key}", UriKind.Relative), Cancellation);
        Assert.Equal(Picture, await stored.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.Equal(first.ETag, stored.Headers.ETag!.Tag);
    }

    [Fact]
    public async Task An_api_key_needs_the_scope_of_images()
    {
        var key = await TicketAsync();
        using var machine = _app.ClientOf("u1");
        machine.DefaultRequestHeaders.Authorization = new("Bearer", TestTokens.Of("u1", change: claims => claims with { Provider = "api-key", Scope = "scan" }));

        using var refused = await machine.PutAsync(new Uri($"/api/v1/images/upload/{key}", UriKind.Relative), new ByteArrayContent(Picture), Cancellation);

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal("Bearer error=\"insufficient_scope\", scope=\"images\"", refused.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task A_later_upload_without_callback_does_not_become_the_picture()
    {
        var key = await TicketAsync();
        var first = await PutAsync(key, Picture);
        await PutAsync(key, Other);

        Assert.Equal((200, null), await FinishAsync(key, first.ETag!, Picture.Length));
        Assert.Equal((200, null), await FinishAsync(key, first.ETag!, Picture.Length));

        Assert.Equal((409, "UPLOAD_FINISHED"), await CodesAsync(PutAsync(key, Other)));
        Assert.Equal(Picture, await _user.GetByteArrayAsync(new Uri($"/api/v1/images/{key}", UriKind.Relative), Cancellation));
    }

    [Fact]
    public async Task A_callback_must_fit_what_was_uploaded()
    {
        var key = await TicketAsync();
        Assert.Equal((409, "UPLOAD_MISSING"), await FinishAsync(key, new string('0', 64)));
        var put = await PutAsync(key, Picture);

        Assert.Equal((409, "UPLOAD_MISMATCH"), await FinishAsync(key, new string('0', 64)));
        Assert.Equal((409, "UPLOAD_MISMATCH"), await FinishAsync(key, "../../x"));
        Assert.Equal((409, "UPLOAD_MISMATCH"), await FinishAsync(key, put.ETag!, Picture.Length + 1));
        Assert.Equal((400, "CHANNEL_MISMATCH"), await FinishAsync(key, put.ETag!, channel: "my"));
        Assert.Equal((404, "UPLOAD_NOT_FOUND"), await FinishAsync("scan/0123456789abcdef0123456789abcdef.png", put.ETag!));
        Assert.Equal((404, "UPLOAD_NOT_FOUND"), await FinishAsync("scan/../x", put.ETag!));
        Assert.Equal((200, null), await FinishAsync(key, put.ETag!));
        Assert.Equal((409, "UPLOAD_MISMATCH"), await FinishAsync(key, new string('0', 64)));
    }

    [Fact]
    public async Task A_ticket_is_for_its_owner_and_its_type()
    {
        using var stranger = _app.ClientOf("u2");
        var key = await TicketAsync();

        Assert.Equal((403, "UPLOADER_MISMATCH"), await CodesAsync(PutAsync(key, Picture, client: stranger)));
        Assert.Equal((415, "CONTENT_TYPE_MISMATCH"), await CodesAsync(PutAsync(key, Picture, "image/jpeg")));
        Assert.Equal((404, "UPLOAD_NOT_FOUND"), await CodesAsync(PutAsync("scan/0123456789abcdef0123456789abcdef.png", Picture)));
        var put = await PutAsync(key, Picture);
        Assert.Equal((403, "UPLOADER_MISMATCH"), await FinishAsync(key, put.ETag!, client: stranger));
    }

    [Fact]
    public async Task A_picture_with_too_many_pixels_is_not_finished()
    {
        var key = await TicketAsync();
        var put = await PutAsync(key, PngEncoder.Encode(new Bitmap(26, 40)));

        Assert.Equal((413, "IMAGE_TOO_LARGE"), await FinishAsync(key, put.ETag!));

        using var stored = await _user.GetAsync(new Uri($"/api/v1/images/{key}", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, stored.StatusCode);
    }

    [Fact]
    public async Task Open_tickets_of_a_user_are_limited_and_finished_ones_make_room()
    {
        var key = await TicketAsync();
        await TicketAsync();

        using var refused = await RequestTicketAsync();
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("TOO_MANY_OPEN_UPLOADS", await CodeAsync(refused));
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(15));
        using var other = _app.ClientOf("u2");
        using var given = await RequestTicketAsync(other);
        Assert.Equal(HttpStatusCode.OK, given.StatusCode);

        Assert.Equal((200, null), await FinishAsync(key, (await PutAsync(key, Picture)).ETag!));
        await TicketAsync();
    }

    [Fact]
    public async Task Metadata_is_bounded()
    {
        using var refused = await RequestTicketAsync(metadata: new { note = new string('x', 501) });

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal("VALIDATION_FAILED", await CodeAsync(refused));
    }

    [Fact]
    public async Task The_schedule_sweeps_what_was_abandoned()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_objects.Path, ".uploads", "scan", "0123456789abcdef0123456789abcdef.png"));
        var part = Path.Combine(folder.FullName, "0.part");
        await File.WriteAllBytesAsync(part, Picture, Cancellation);
        File.SetLastWriteTimeUtc(part, DateTime.UnixEpoch);

        using var ticked = await _user.PostAsync(new Uri("/cron-uploads", UriKind.Relative), null, Cancellation);

        Assert.Equal(HttpStatusCode.OK, ticked.StatusCode);
        Assert.False(File.Exists(part));
    }

    [Fact]
    public async Task A_start_sweeps_what_a_crash_left()
    {
        using var folder = new TempDirectory();
        var part = Path.Combine(Directory.CreateDirectory(Path.Combine(folder.Path, ".uploads", "scan", "a.png")).FullName, "0.part");
        await File.WriteAllBytesAsync(part, Picture, Cancellation);
        File.SetLastWriteTimeUtc(part, DateTime.UnixEpoch);

        await using var app = new ImagesApp(_sidecar, folder.Path);

        // The factory hands the app out a moment before it says that it has started.
        using var limit = new CancellationTokenSource(ImagesApp.Patience);
        while (File.Exists(part))
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private async Task<string> TicketAsync()
    {
        using var response = await RequestTicketAsync();
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("key").GetString()!;
    }

    private Task<HttpResponseMessage> RequestTicketAsync(HttpClient? client = null, object? metadata = null) => (client ?? _user).PostAsJsonAsync(
        new Uri("/api/v1/images/scan", UriKind.Relative), new { filename = "a.png", content_type = "image/png", metadata }, Cancellation);

    private Task<(int Status, string? Code, string? ETag)> PutAsync(string key, byte[] body, string type = "image/png", HttpClient? client = null) =>
        PutAsync(key, new ByteArrayContent(body) { Headers = { ContentType = new(type) } }, client);

    private async Task<(int Status, string? Code, string? ETag)> PutAsync(string key, HttpContent body, HttpClient? client = null)
    {
        body.Headers.ContentType ??= new("image/png");
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/images/upload/{key}") { Content = body, Headers = { ExpectContinue = true } };
        using var response = await (client ?? _user).SendAsync(request, Cancellation);
        return ((int)response.StatusCode, await CodeAsync(response), response.Headers.ETag?.Tag);
    }

    private static async Task<(int Status, string? Code)> CodesAsync(Task<(int Status, string? Code, string? ETag)> put) => ((await put).Status, (await put).Code);

    private async Task<(int Status, string? Code)> FinishAsync(
        string key, string etag, long? length = null, string channel = "scan", HttpClient? client = null)
    {
        using var response = await (client ?? _user).PostAsJsonAsync(
            new Uri($"/api/v1/images/{channel}/callback", UriKind.Relative), new { key, etag, content_length = length }, Cancellation);
        return ((int)response.StatusCode, await CodeAsync(response));
    }

    private static async Task<string?> CodeAsync(HttpResponseMessage response) => response.Content.Headers.ContentType?.MediaType == "application/problem+json"
        ? (await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("code").GetString()
        : null;

    /// <summary>A body whose first half is sent when it is asked for, and the rest when the test says so.</summary>
    private sealed class PausedContent(byte[] body) : HttpContent
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _continue = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Asked => _asked.Task;

        public void Continue() => _continue.SetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(body.AsMemory(0, body.Length / 2));
            await stream.FlushAsync();
            _asked.SetResult();
            await _continue.Task.WaitAsync(ImagesApp.Patience);
            await stream.WriteAsync(body.AsMemory(body.Length / 2));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return true;
        }
    }
}
