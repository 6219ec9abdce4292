using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Contracts;
using Images.Storage;
using Imaging;
using ServiceDefaults;

namespace Images.Tests;

/// <summary>Tickets, uploads, callbacks and what follows, the same over every store.</summary>
public abstract class UploadContract
{
    internal static readonly byte[] Png = PngEncoder.Encode(Photos.Halves(40, 20));
    internal static readonly byte[] Other = PngEncoder.Encode(Photos.Halves(20, 40));

    private protected static CancellationToken Cancel => ImagesPlatform.Cancel;

    private protected abstract TestStorage NewStorage();

    private protected Task<ImagesPlatform> StartAsync(params (string Key, string Value)[] settings) => ImagesPlatform.StartAsync(NewStorage(), settings);

    [Fact]
    public async Task An_upload_becomes_a_picture_upright_and_without_a_word_of_where_it_was_taken()
    {
        await using var platform = await StartAsync();
        var file = Photos.FromPhone(Photos.Halves(800, 400));
        Assert.Equal(ImageOrientation.Rotate90, ImageDecoder.Identify(file).Orientation);

        var ticket = await platform.TicketAsync(file, "image/jpeg");
        Assert.Equal((200, null), await platform.PutAsync(ticket, file));
        using var client = platform.Gateway();
        using var finished = await client.PostAsJsonAsync("/api/v1/images/scan/callback", new { key = ticket.Key, etag = ImagesPlatform.Hash(file), content_length = file.Length }, Cancel);
        var answer = await finished.Content.ReadFromJsonAsync<JsonElement>(Cancel);

        Assert.Equal((ImagesPlatform.Hash(file), "image/jpeg", ticket.CdnUrl.ToString()), (
            answer.GetProperty("etag").GetString(), answer.GetProperty("content_type").GetString(), answer.GetProperty("cdn_url").GetString()));
        using var got = await client.GetAsync($"/api/v1/images/{ticket.Key}", Cancel);
        var picture = await got.Content.ReadAsByteArrayAsync(Cancel);
        Assert.Equal(($"\"{ImagesPlatform.Hash(picture)}\"", "image/jpeg", "nosniff"), (
            got.Headers.ETag!.Tag, got.Content.Headers.ContentType!.MediaType, got.Headers.GetValues("X-Content-Type-Options").Single()));
        Assert.Equal(-1, picture.AsSpan().IndexOf("Exif"u8));
        var upright = ImageDecoder.Decode(picture);
        Assert.Equal((400, 800, 'r', 'b'), (upright.Width, upright.Height, Photos.At(upright, 200, 100), Photos.At(upright, 200, 700)));
        var small = ImageDecoder.Decode((await platform.GetAsync($"{ticket.Key}/thumbnail"))!);
        Assert.Equal((160, 320, 'r', 'b'), (small.Width, small.Height, Photos.At(small, 80, 40), Photos.At(small, 80, 280)));
        Assert.Equal([ticket.Key, $"thumbnails/{ticket.Key}"], platform.Storage.Objects);
        Assert.Empty(platform.Storage.Uploads);
        using var scan = platform.Client(Apps.Scan);
        var info = await scan.GetFromJsonAsync<Contracts.Images.ImageInfo>($"/internal/images/{ticket.Key}", TandemJson.Options, Cancel);
        Assert.Equal(("u1", ImagesPlatform.Hash(picture), picture.Length, 400, 800), (info!.Owner, info.ETag, info.Length, info.Width, info.Height));
    }

    [Fact]
    public async Task Anybody_may_know_how_uploads_are_set_up_and_nothing_else_of_the_store()
    {
        await using var platform = await StartAsync(("TicketLifetime", "00:05:00"), ("CdnBaseUrl", "https://images.example.org"));
        using var nobody = platform.Gateway(user: null);

        var answer = await nobody.GetFromJsonAsync<Dictionary<string, JsonElement>>("/api/v1/images/metrics", Cancel);

        Assert.Equal(
            ["allowed_channels", "auth_required", "bucket", "cdn_domain", "presign_expires_seconds"], answer!.Keys.Append("bucket").Distinct().Order(StringComparer.Ordinal));
        // Only a bucket has a name; where the folder is concerns nobody.
        Assert.Equal(platform.Storage.Settings.FirstOrDefault(setting => setting.Key == "S3:Bucket").Value, answer.TryGetValue("bucket", out var bucket) ? bucket.GetString() : null);
        Assert.Equal(("https://images.example.org/", 300, true), (
            answer["cdn_domain"].GetString(), answer["presign_expires_seconds"].GetInt32(), answer["auth_required"].GetBoolean()));
        Assert.Equal(ImageKey.Channels, answer["allowed_channels"].EnumerateArray().Select(channel => channel.GetString()));
        var ticket = await platform.TicketAsync(Png);
        Assert.Equal($"https://images.example.org/{ticket.Key}", ticket.CdnUrl.ToString());
        using var app = platform.Client(Apps.Scan);
        using var refused = await app.GetAsync("/api/v1/images/metrics", Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Fact]
    public async Task Everybody_who_begins_at_the_same_time_gets_a_ticket()
    {
        await using var platform = await StartAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(async user =>
        {
            using var client = platform.Gateway($"user-{user}");
            using var answer = await client.PostAsJsonAsync(
                "/api/v1/images/scan", new { filename = "a.png", content_type = "image/png", content_length = Png.Length, checksum_sha256 = ImagesPlatform.Hash(Png) }, Cancel);
            return answer.StatusCode;
        }));

        Assert.All(answers, status => Assert.Equal(HttpStatusCode.OK, status));
    }

    [Theory]
    [InlineData("image/jpeg", "<html><script>alert(1)</script>")]
    [InlineData("image/png", "PK\u0003\u0004 and the rest of an archive")]
    public async Task What_follows_a_picture_in_its_file_is_lost(string type, string tail)
    {
        await using var platform = await StartAsync();
        byte[] file = [.. type == "image/png" ? Png : JpegEncoder.Encode(Photos.Halves(40, 20)), .. Encoding.Latin1.GetBytes(tail)];

        var ticket = await platform.UploadAsync(file, type);

        var picture = (await platform.GetAsync(ticket.Key))!;
        Assert.Equal(-1, picture.AsSpan().IndexOf(Encoding.Latin1.GetBytes(tail)));
        var pixels = ImageDecoder.Decode(picture);
        Assert.Equal((40, 20, 'r', 'b'), (pixels.Width, pixels.Height, Photos.At(pixels, 5, 10), Photos.At(pixels, 35, 10)));
    }

    [Fact]
    public async Task A_file_other_than_the_announced_one_is_refused()
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);
        byte[] changed = [.. Png];
        changed[^1] ^= 1;

        Assert.InRange((await platform.PutAsync(ticket, changed)).Status, 400, 499);
        Assert.InRange((await platform.PutAsync(ticket, [.. Png, 0])).Status, 400, 499);
        Assert.InRange((await platform.PutAsync(ticket, Png, headers: ("Content-Type", "image/jpeg"))).Status, 400, 499);

        Assert.Empty(platform.Storage.Uploads);
        Assert.Equal((409, "UPLOAD_MISSING"), await platform.FinishAsync(ticket.Key, Png));
        Assert.Equal((200, null), await platform.PutAsync(ticket, Png));
        Assert.Equal((200, null), await platform.FinishAsync(ticket.Key, Png));
    }

    [Fact]
    public async Task A_callback_must_fit_what_was_uploaded()
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);
        var key = ticket.Key;
        Assert.Equal((409, "UPLOAD_MISSING"), await platform.FinishAsync(key, Png));
        await platform.PutAsync(ticket, Png);

        Assert.Equal((409, "UPLOAD_MISMATCH"), await platform.FinishAsync(key, Other));
        Assert.Equal((409, "UPLOAD_MISMATCH"), await platform.FinishAsync(key, Png, etag: "../../x"));
        Assert.Equal((409, "UPLOAD_MISMATCH"), await platform.FinishAsync(key, Png, length: Png.Length + 1));
        Assert.Equal((400, "CHANNEL_MISMATCH"), await platform.FinishAsync(key, Png, channel: "my"));
        Assert.Equal((403, "UPLOADER_MISMATCH"), await platform.FinishAsync(key, Png, user: "u2"));
        Assert.Equal((404, "UPLOAD_NOT_FOUND"), await platform.FinishAsync("scan/0123456789abcdef0123456789abcdef.png", Png));
        Assert.Equal((404, "UPLOAD_NOT_FOUND"), await platform.FinishAsync("scan/../x", Png));
        Assert.Equal((404, "UPLOAD_NOT_FOUND"), await platform.FinishAsync("generated/0123456789abcdef0123456789abcdef.png", Png, channel: "generated"));
        Assert.Empty(platform.Storage.Objects);
        Assert.Equal((200, null), await platform.FinishAsync(key, Png, length: Png.Length));
        Assert.Equal((200, null), await platform.FinishAsync(key, Png));
        Assert.Equal((409, "UPLOAD_MISMATCH"), await platform.FinishAsync(key, Other));
        Assert.Equal((409, "UPLOAD_MISMATCH"), await platform.FinishAsync(key, Png, length: 1));
    }

    [Fact]
    public async Task A_picture_is_its_owners()
    {
        await using var platform = await StartAsync();
        var ticket = await platform.UploadAsync(Png);

        Assert.Null(await platform.GetAsync(ticket.Key, "u2"));
        Assert.Null(await platform.GetAsync($"{ticket.Key}/thumbnail", "u2"));
        Assert.NotNull(await platform.GetAsync(ticket.Key));
        Assert.Null(await platform.GetAsync($"uploads/{ticket.Key}"));
    }

    [Fact]
    public async Task An_upload_that_is_not_finished_is_no_picture()
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);
        await platform.PutAsync(ticket, Png);

        Assert.Null(await platform.GetAsync(ticket.Key));
        Assert.Empty(platform.Storage.Objects);
        Assert.Single(platform.Storage.Uploads);
    }

    [Theory]
    [InlineData("IMAGE_TOO_LARGE", 413)]
    [InlineData("UNSUPPORTED_IMAGE", 415)]
    public async Task What_cannot_be_decoded_is_not_finished(string code, int status)
    {
        await using var platform = await StartAsync(("MaxPixels", "1000"));
        var file = status == 413 ? PngEncoder.Encode(new Bitmap(26, 40)) : [.. Png[..60], .. new byte[40]];
        var ticket = await platform.TicketAsync(file);
        await platform.PutAsync(ticket, file);

        Assert.Equal((status, code), await platform.FinishAsync(ticket.Key, file));

        Assert.Empty(platform.Storage.Objects);
        Assert.Null(await platform.StateAsync<PictureRecord>($"image:{ticket.Key}"));
        Assert.Equal(0, await platform.BytesOfAsync("u1"));
    }

    /// <summary>Every write between the upload and the answer fails once: before it happened, or after.</summary>
    [Theory]
    [InlineData("charge", false)]
    [InlineData("charge", true)]
    [InlineData("record", false)]
    [InlineData("record", true)]
    [InlineData("picture", false)]
    [InlineData("picture", true)]
    [InlineData("thumbnail", false)]
    [InlineData("thumbnail", true)]
    [InlineData("settle", false)]
    [InlineData("settle", true)]
    [InlineData("close", false)]
    [InlineData("close", true)]
    public async Task After_a_failure_at_any_step_a_repetition_ends_well(string step, bool afterwards)
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);
        await platform.PutAsync(ticket, Png);
        var faults = platform.Dapr.Faults;
        if (step is "picture" or "thumbnail")
        {
            var rule = faults.Bindings(Components.Objects, "create").After(step == "picture" ? 0 : 1);
            _ = afterwards ? rule.FailAfterwards() : rule.Fail();
        }
        else
        {
            var rule = faults.StateWrites(Components.StateStore, step is "charge" or "close" ? "images:u1" : $"image:{ticket.Key}").After(step is "close" or "settle" ? 1 : 0);
            _ = afterwards ? rule.FailAfterwards() : rule.Fail();
        }

        var first = await platform.FinishAsync(ticket.Key, Png);
        var other = await platform.FinishAsync(ticket.Key, Other);
        var second = await platform.FinishAsync(ticket.Key, Png);

        // A first write that fails is settled by reading again.
        Assert.True(first.Status >= 500 || (step, afterwards, first.Status) == ("record", true, 200), $"{first}");
        Assert.Equal((409, "UPLOAD_MISMATCH"), other);
        Assert.Equal((200, null), second);
        Assert.Equal([ticket.Key, $"thumbnails/{ticket.Key}"], platform.Storage.Objects);
        Assert.Empty(platform.Storage.Uploads);
        Assert.Equal('r', Photos.At(ImageDecoder.Decode((await platform.GetAsync(ticket.Key))!), 5, 10));
        Assert.Equal(platform.Storage.Read(ticket.Key).Length, await platform.BytesOfAsync("u1"));
    }

    [Fact]
    public async Task Concurrent_callbacks_make_one_picture_that_counts_once()
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);
        await platform.PutAsync(ticket, Png);

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => platform.FinishAsync(ticket.Key, Png)));

        Assert.All(answers, answer => Assert.Equal((200, null), answer));
        Assert.Equal([ticket.Key, $"thumbnails/{ticket.Key}"], platform.Storage.Objects);
        Assert.Equal(platform.Storage.Read(ticket.Key).Length, await platform.BytesOfAsync("u1"));
    }

    [Fact]
    public async Task A_picture_that_is_too_large_for_a_message_is_streamed()
    {
        await using var platform = await StartAsync(("MaxServerUploadBytes", "2000"));
        var pixels = new Bitmap(60, 60);
        new Random(1).NextBytes(pixels.Pixels);
        var file = PngEncoder.Encode(pixels);
        platform.Dapr.Faults.Bindings(Components.Objects, "create").When(attempt => attempt.Request.Metadata["key"]?.StartsWith("scan/", StringComparison.Ordinal) == true).Always().Fail();

        var ticket = await platform.UploadAsync(file);

        var picture = ImageDecoder.Decode((await platform.GetAsync(ticket.Key))!);
        Assert.Equal(pixels.Pixels, picture.Pixels);
        Assert.Empty(platform.Storage.Uploads);
    }

    [Fact]
    public async Task The_store_that_does_not_answer_is_a_problem_of_its_own()
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);
        await platform.PutAsync(ticket, Png);
        platform.Dapr.Faults.Bindings(Components.Objects, "create").Fail();

        Assert.Equal((503, "STORAGE_UNAVAILABLE"), await platform.FinishAsync(ticket.Key, Png));
        Assert.Null(await platform.GetAsync(ticket.Key));
        Assert.Equal((200, null), await platform.FinishAsync(ticket.Key, Png));
    }

    [Fact]
    public async Task An_erasure_deletes_pictures_thumbnails_and_uploads()
    {
        await using var platform = await StartAsync();
        var finished = await platform.UploadAsync(Png);
        var open = await platform.TicketAsync(Other);
        await platform.PutAsync(open, Other);
        await platform.UploadAsync(Png, user: "u2");

        await platform.EraseAsync("u1");

        Assert.Equal(2, platform.Storage.Objects.Count);
        Assert.Empty(platform.Storage.Uploads);
        Assert.Null(await platform.StateAsync<PictureRecord>($"image:{finished.Key}"));
        Assert.Equal((404, "UPLOAD_NOT_FOUND"), await platform.FinishAsync(finished.Key, Png));
        Assert.Equal((404, "UPLOAD_NOT_FOUND"), await platform.FinishAsync(open.Key, Other));
        using var refused = await platform.AskAsync(ImagesPlatform.Announced(Png));
        Assert.Equal((HttpStatusCode.NotFound, "USER_NOT_FOUND"), (refused.StatusCode, await ImagesPlatform.CodeAsync(refused)));
        Assert.Equal(0, await platform.BytesOfAsync("u1"));
        Assert.True(await platform.BytesOfAsync("u2") > 0);
    }

    [Theory]
    [InlineData("charge")]
    [InlineData("record")]
    [InlineData("picture")]
    [InlineData("settle")]
    [InlineData("close")]
    public async Task A_callback_that_an_erasure_overtakes_leaves_nothing(string step)
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);
        await platform.PutAsync(ticket, Png);
        async Task EraseFirstAsync(Func<Task> proceed)
        {
            await platform.EraseAsync("u1");
            await proceed();
        }

        var faults = platform.Dapr.Faults;
        _ = step switch
        {
            "picture" => faults.Bindings(Components.Objects, "create").Do((_, proceed, _) => EraseFirstAsync(proceed)),
            "charge" or "close" => faults.StateWrites(Components.StateStore, "images:u1").After(step == "close" ? 1 : 0).Do((_, proceed, _) => EraseFirstAsync(proceed)),
            _ => faults.StateWrites(Components.StateStore, $"image:{ticket.Key}").After(step == "settle" ? 1 : 0).Do((_, proceed, _) => EraseFirstAsync(proceed)),
        };

        Assert.Equal((404, "UPLOAD_NOT_FOUND"), await platform.FinishAsync(ticket.Key, Png));

        Assert.Empty(platform.Storage.Objects);
        Assert.Empty(platform.Storage.Uploads);
        Assert.Null(await platform.StateAsync<PictureRecord>($"image:{ticket.Key}"));
    }

    [Theory]
    [InlineData("never called back")]
    [InlineData("record")]
    [InlineData("picture")]
    [InlineData("settle")]
    public async Task What_was_abandoned_is_swept_and_takes_nothing_of_the_quota(string step)
    {
        await using var platform = await StartAsync();
        await platform.SweepAsync();
        var finished = await platform.UploadAsync(Other);
        var kept = await platform.BytesOfAsync("u1");
        var ticket = await platform.TicketAsync(Png);
        await platform.PutAsync(ticket, Png);
        if (step != "never called back")
        {
            var faults = platform.Dapr.Faults;
            _ = step switch
            {
                "record" => faults.StateWrites(Components.StateStore, $"image:{ticket.Key}").Fail(),
                "picture" => faults.Bindings(Components.Objects, "create").FailAfterwards(),
                _ => faults.StateWrites(Components.StateStore, $"image:{ticket.Key}").After(1).Fail(),
            };
            Assert.True((await platform.FinishAsync(ticket.Key, Png)).Status >= 500);
            Assert.True(await platform.BytesOfAsync("u1") > kept);
        }

        platform.Dapr.Clock.Advance(TimeSpan.FromMinutes(70));
        await platform.SweepAsync();
        Assert.Single(platform.Storage.Uploads);
        platform.Dapr.Clock.Advance(TimeSpan.FromMinutes(10));
        AgeFiles(platform.Storage);
        await platform.SweepAsync();

        Assert.Equal([finished.Key, $"thumbnails/{finished.Key}"], platform.Storage.Objects);
        Assert.Empty(platform.Storage.Uploads);
        Assert.Equal(kept, await platform.BytesOfAsync("u1"));
        Assert.Null(await platform.StateAsync<PictureRecord>($"image:{ticket.Key}"));
        Assert.NotNull(await platform.GetAsync(finished.Key));
    }

    [Fact]
    public async Task A_generated_picture_that_was_never_complete_is_swept()
    {
        await using var platform = await StartAsync();
        await platform.SweepAsync();
        var id = Guid.NewGuid();
        platform.Dapr.Faults.Bindings(Components.Objects, "create").FailAfterwards();
        Assert.Equal(503, (await platform.StoreAsync(id, Png)).Status);
        var complete = await platform.StoreAsync(Guid.NewGuid(), Other);
        Assert.Equal(2, platform.Storage.Objects.Count);

        platform.Dapr.Clock.Advance(TimeSpan.FromMinutes(80));
        await platform.SweepAsync();

        Assert.Equal([complete.Image!.Key], platform.Storage.Objects);
        Assert.Null(await platform.StateAsync<GeneratedImage>($"generated:{id:N}"));
        Assert.Equal(200, (await platform.StoreAsync(id, Png)).Status);
    }

    [Fact]
    public async Task The_quota_counts_finished_pictures_and_an_erasure_frees_it()
    {
        var size = PngEncoder.Encode(ImageDecoder.Decode(Png), System.IO.Compression.CompressionLevel.Optimal).Length;
        await using var platform = await StartAsync(("MaxBytesPerUser", $"{2 * Math.Max(size, Png.Length)}"));
        await platform.UploadAsync(Png);
        await platform.StoreAsync(Guid.NewGuid(), Other);
        var second = await platform.UploadAsync(Png);
        Assert.Equal(2 * size, await platform.BytesOfAsync("u1"));

        // Repetitions do not count again.
        Assert.Equal((200, null), await platform.FinishAsync(second.Key, Png));
        Assert.Equal(2 * size, await platform.BytesOfAsync("u1"));
        using var refused = await platform.AskAsync(ImagesPlatform.Announced(Png));
        Assert.Equal((HttpStatusCode.Forbidden, "IMAGE_QUOTA_EXCEEDED"), (refused.StatusCode, await ImagesPlatform.CodeAsync(refused)));
        await platform.UploadAsync(Png, user: "u2");
        await platform.EraseAsync("u1");
        Assert.Equal(0, await platform.BytesOfAsync("u1"));
    }

    [Fact]
    public async Task A_picture_that_exceeds_the_quota_is_not_finished()
    {
        await using var platform = await StartAsync(("MaxBytesPerUser", $"{Png.Length + 10}"));
        var (first, second) = (await platform.TicketAsync(Png), await platform.TicketAsync(Png));
        await platform.PutAsync(first, Png);
        await platform.PutAsync(second, Png);
        Assert.Equal((200, null), await platform.FinishAsync(first.Key, Png));

        Assert.Equal((403, "IMAGE_QUOTA_EXCEEDED"), await platform.FinishAsync(second.Key, Png));

        Assert.Equal([first.Key, $"thumbnails/{first.Key}"], platform.Storage.Objects);
        Assert.Null(await platform.StateAsync<PictureRecord>($"image:{second.Key}"));
        Assert.Equal(platform.Storage.Read(first.Key).Length, await platform.BytesOfAsync("u1"));
    }

    [Fact]
    public async Task Open_tickets_of_a_user_are_limited_and_finished_ones_make_room()
    {
        await using var platform = await StartAsync(("MaxOpenTickets", "2"));
        var ticket = await platform.TicketAsync(Png);
        await platform.TicketAsync(Png);

        using var refused = await platform.AskAsync(ImagesPlatform.Announced(Png));
        Assert.Equal((HttpStatusCode.TooManyRequests, "TOO_MANY_OPEN_UPLOADS"), (refused.StatusCode, await ImagesPlatform.CodeAsync(refused)));
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(15));
        await platform.TicketAsync(Png, user: "u2");

        await platform.PutAsync(ticket, Png);
        Assert.Equal((200, null), await platform.FinishAsync(ticket.Key, Png));
        await platform.TicketAsync(Png);
    }

    [Fact]
    public async Task A_ticket_is_checked()
    {
        await using var platform = await StartAsync(("CdnBaseUrl", "https://images.example.org/"), ("MaxUploadBytes", "2000"));

        Assert.Equal((400, "VALIDATION_FAILED"), await RefusedAsync(platform, ImagesPlatform.Announced(Png, metadata: new { note = new string('x', 501) })));
        Assert.Equal((400, "VALIDATION_FAILED"), await RefusedAsync(platform, new { filename = "a", content_type = "image/png", content_length = 1, checksum_sha256 = "x" }));
        Assert.Equal((400, "VALIDATION_FAILED"), await RefusedAsync(platform, new { filename = "a", content_type = "image/png", content_length = 0, checksum_sha256 = new string('0', 64) }));
        Assert.Equal((413, "IMAGE_TOO_LARGE"), await RefusedAsync(platform, ImagesPlatform.Announced(new byte[2001])));
        Assert.Equal((415, "UNSUPPORTED_IMAGE"), await RefusedAsync(platform, ImagesPlatform.Announced(Png, "image/gif")));
        Assert.Equal((404, "CHANNEL_NOT_FOUND"), await RefusedAsync(platform, ImagesPlatform.Announced(Png), "generated"));
        var ticket = await platform.TicketAsync(Png);
        Assert.Equal(($"https://images.example.org/{ticket.Key}", 900), (ticket.CdnUrl.ToString(), ticket.ExpiresIn));
        Assert.Equal("image/png", ticket.RequiredHeaders["Content-Type"]);
    }

    /// <summary>Makes files as old as the virtual clock says, where the store looks at that.</summary>
    private protected virtual void AgeFiles(TestStorage storage)
    {
    }

    private protected static async Task<(int Status, string? Code)> RefusedAsync(ImagesPlatform platform, object request, string channel = "scan")
    {
        using var response = await platform.AskAsync(request, channel: channel);
        return ((int)response.StatusCode, await ImagesPlatform.CodeAsync(response));
    }
}
