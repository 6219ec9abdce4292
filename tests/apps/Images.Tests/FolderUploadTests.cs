using System.Net;
using Imaging;
using TestKit;

namespace Images.Tests;

/// <summary>Uploads that images takes itself, into a folder.</summary>
public sealed class FolderUploadTests : UploadContract
{
    private protected override TestStorage NewStorage() => new FolderStorage();

    private protected override void AgeFiles(TestStorage storage)
    {
        foreach (var file in storage.Uploads)
        {
            File.SetLastWriteTimeUtc(Path.Combine(((FolderStorage)storage).Path, file), DateTime.UnixEpoch);
        }
    }

    [Fact]
    public async Task A_late_upload_never_replaces_a_finished_picture()
    {
        await using var platform = await StartAsync();
        var ticket = await UnannouncedAsync(platform);
        Assert.Equal((200, null), await platform.PutAsync(ticket, Png));
        using var paused = new PausedContent(Other);
        var late = platform.PutAsync(ticket, paused);
        await paused.Asked.WaitAsync(ImagesPlatform.Patience, Cancel);
        Assert.Equal((200, null), await platform.FinishAsync(ticket.Key, Png));
        var picture = await platform.GetAsync(ticket.Key);

        paused.Continue();

        Assert.Equal((409, "UPLOAD_FINISHED"), await late);
        Assert.Equal(picture, await platform.GetAsync(ticket.Key));
        Assert.Empty(platform.Storage.Uploads);
    }

    [Fact]
    public async Task A_later_upload_without_callback_does_not_become_the_picture()
    {
        await using var platform = await StartAsync();
        var ticket = await UnannouncedAsync(platform);
        await platform.PutAsync(ticket, Png);
        await platform.PutAsync(ticket, Other);

        Assert.Equal((200, null), await platform.FinishAsync(ticket.Key, Png, length: Png.Length));
        Assert.Equal((200, null), await platform.FinishAsync(ticket.Key, Png, length: Png.Length));

        Assert.Equal((409, "UPLOAD_FINISHED"), await platform.PutAsync(ticket, Other));
        Assert.Equal(40, ImageDecoder.Decode((await platform.GetAsync(ticket.Key))!).Width);
    }

    [Fact]
    public async Task Callbacks_for_different_uploads_make_one_picture_that_counts_once()
    {
        await using var platform = await StartAsync();
        var ticket = await UnannouncedAsync(platform);
        await platform.PutAsync(ticket, Png);
        await platform.PutAsync(ticket, Other);

        var answers = await Task.WhenAll(platform.FinishAsync(ticket.Key, Png), platform.FinishAsync(ticket.Key, Other));

        Assert.Equal([200, 409], answers.Select(answer => answer.Status).Order());
        var (width, height) = ImageDecoder.Identify((await platform.GetAsync(ticket.Key))!) is var info ? (info.Width, info.Height) : default;
        Assert.Equal(answers[0].Status == 200 ? (40, 20) : (20, 40), (width, height));
        Assert.Equal(platform.Storage.Read(ticket.Key).Length, await platform.BytesOfAsync("u1"));
    }

    [Fact]
    public async Task A_ticket_is_for_its_owner_and_its_type()
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);
        var unknown = ticket with { UploadUrl = new Uri(ticket.UploadUrl, "/api/v1/images/upload/scan/0123456789abcdef0123456789abcdef.png") };

        Assert.Equal((403, "UPLOADER_MISMATCH"), await platform.PutAsync(ticket, Png, user: "u2"));
        Assert.Equal((415, "CONTENT_TYPE_MISMATCH"), await platform.PutAsync(ticket, Png, headers: ("Content-Type", "image/jpeg")));
        Assert.Equal((409, "UPLOAD_MISMATCH"), await platform.PutAsync(ticket, [.. Png, 0]));
        Assert.Equal((404, "UPLOAD_NOT_FOUND"), await platform.PutAsync(unknown, Png));
        var announced = await platform.TicketAsync(Other);
        byte[] changed = [.. Other];
        changed[^1] ^= 1;
        Assert.Equal((409, "UPLOAD_MISMATCH"), await platform.PutAsync(announced, changed));
    }

    [Fact]
    public async Task An_api_key_needs_the_scope_of_images()
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);
        using var machine = platform.Client(Contracts.Apps.Gateway);
        machine.DefaultRequestHeaders.Authorization = new(
            "Bearer", TestTokens.Of("u1", now: platform.Dapr.Clock.GetUtcNow(), change: claims => claims with { Provider = "api-key", Scope = "scan" }));

        using var refused = await machine.PutAsync($"/api/v1/images/upload/{ticket.Key}", new ByteArrayContent(Png), Cancel);

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal("Bearer error=\"insufficient_scope\", scope=\"images\"", refused.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task A_start_sweeps_what_a_crash_left()
    {
        var storage = new FolderStorage();
        var part = Path.Combine(Directory.CreateDirectory(Path.Combine(storage.Path, ".uploads", "scan", "a.png")).FullName, "0.part");
        var half = Path.Combine(storage.Path, ".uploads", "1.part");
        foreach (var file in new[] { part, half })
        {
            await File.WriteAllBytesAsync(file, Png, Cancel);
            File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch);
        }

        await using var platform = await ImagesPlatform.StartAsync(storage);

        // The factory hands the app out a moment before it says that it has started.
        using var limit = new CancellationTokenSource(ImagesPlatform.Patience);
        while (File.Exists(part) || File.Exists(half))
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private static async Task<Ticket> UnannouncedAsync(ImagesPlatform platform)
    {
        using var response = await platform.AskAsync(new { filename = "a.png", content_type = "image/png" });
        return (await System.Net.Http.Json.HttpContentJsonExtensions.ReadFromJsonAsync<Ticket>(response.Content, ServiceDefaults.TandemJson.Options, Cancel))!;
    }

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
            await _continue.Task.WaitAsync(ImagesPlatform.Patience);
            await stream.WriteAsync(body.AsMemory(body.Length / 2));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return true;
        }
    }
}
