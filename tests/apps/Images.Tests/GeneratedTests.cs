using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Contracts;
using Contracts.Images;
using Images.Storage;
using Imaging;
using ServiceDefaults;

namespace Images.Tests;

/// <summary>Pictures that another app generated, stored by their bytes.</summary>
public sealed class GeneratedTests
{
    private static readonly Guid Id = Guid.Parse("0195a4be-0000-7000-8000-000000000001");
    private static readonly byte[] Png = PngEncoder.Encode(new Bitmap(12, 8), texts: [("Software", "provider=local")]);
    private static readonly byte[] Other = PngEncoder.Encode(new Bitmap(9, 7));
    private static readonly byte[] Jpeg = JpegEncoder.Encode(new Bitmap(20, 10));

    private static CancellationToken Cancel => ImagesPlatform.Cancel;

    [Fact]
    public async Task A_stored_picture_is_served_to_anybody_with_its_address_and_known_to_other_apps()
    {
        await using var platform = await ImagesPlatform.StartAsync();

        var (status, _, image) = await platform.StoreAsync(Id, Png);

        Assert.Equal((200, "image/png", Png.Length, Hash(Png), 12, 8), (status, image!.ContentType, image.Length, image.ETag, image.Width, image.Height));
        Assert.Matches(@"\Agenerated/[0-9a-f]{32}\.png\z", image.Key);
        Assert.Equal($"http://localhost:8080/api/v1/images/{image.Key}", image.CdnUrl.ToString());
        Assert.Equal([image.Key], platform.Storage.Objects);
        using var nobody = platform.Gateway(null);
        using var got = await nobody.GetAsync(image.CdnUrl.AbsolutePath, Cancel);
        Assert.Equal(Png, await got.Content.ReadAsByteArrayAsync(Cancel));
        Assert.Equal(("image/png", $"\"{image.ETag}\""), (got.Content.Headers.ContentType!.MediaType, got.Headers.ETag!.Tag));
        Assert.Equal(("nosniff", "public, max-age=31536000, immutable"), (got.Headers.GetValues("X-Content-Type-Options").Single(), got.Headers.CacheControl!.ToString()));
        using var desk = platform.Client(Apps.Desk);
        var info = await desk.GetFromJsonAsync<Contracts.Images.ImageInfo>($"/internal/images/{image.Key}", TandemJson.Options, Cancel);
        Assert.Equal(("u1", image.ETag, 12, 8), (info!.Owner, info.ETag, info.Width, info.Height));
    }

    [Fact]
    public async Task A_repetition_answers_the_same_picture_even_with_other_bytes()
    {
        await using var platform = await ImagesPlatform.StartAsync();
        var first = await platform.StoreAsync(Id, Png);

        Assert.Equal(first, await platform.StoreAsync(Id, Png));
        Assert.Equal(first, await platform.StoreAsync(Id, Jpeg, "image/jpeg"));

        Assert.Equal([first.Image!.Key], platform.Storage.Objects);
        var other = await platform.StoreAsync(Guid.NewGuid(), Jpeg, "image/jpeg");
        Assert.EndsWith(".jpg", other.Image!.Key, StringComparison.Ordinal);
        Assert.Equal(2, platform.Storage.Objects.Count);
    }

    [Fact]
    public async Task Of_concurrent_writes_with_different_bytes_one_wins_for_all()
    {
        await using var platform = await ImagesPlatform.StartAsync(("MaxUploadsPerTicket", "10"));

        var answers = await Task.WhenAll(Enumerable.Range(1, 8).Select(size => platform.StoreAsync(Id, PngEncoder.Encode(new Bitmap(size, size)))));

        var image = Assert.Single(answers.Distinct()).Image!;
        Assert.Equal([image.Key], platform.Storage.Objects);
        using var nobody = platform.Gateway(null);
        Assert.Equal(image.ETag, Hash(await nobody.GetByteArrayAsync(image.CdnUrl.AbsolutePath, Cancel)));
    }

    [Theory]
    [InlineData("reserve")]
    [InlineData("write")]
    [InlineData("written")]
    [InlineData("complete")]
    [InlineData("completed")]
    [InlineData("record")]
    public async Task After_a_failure_at_any_step_a_repetition_with_other_bytes_ends_well_and_leaves_one_object(string step)
    {
        await using var platform = await ImagesPlatform.StartAsync();
        var faults = platform.Dapr.Faults;
        var document = $"generated:{Id:N}";
        // A create whose answer is lost is settled by reading again, so the first step fails ten times.
        _ = step switch
        {
            "reserve" => faults.StateWrites(Components.StateStore, document).Times(10).Fail(),
            "write" => faults.Bindings(Components.Objects, "create").Fail(),
            "written" => faults.Bindings(Components.Objects, "create").FailAfterwards(),
            "complete" => faults.StateWrites(Components.StateStore, document).After(1).Fail(),
            "completed" => faults.StateWrites(Components.StateStore, document).After(1).FailAfterwards(),
            _ => faults.StateWrites(Components.StateStore, "images:u1").Times(10).Fail(),
        };

        var failed = await platform.StoreAsync(Id, Png);
        Assert.True(failed.Status >= 500, $"{failed}");
        if (step is "write" or "written")
        {
            Assert.Equal((503, "STORAGE_UNAVAILABLE"), (failed.Status, failed.Code));
        }

        var (status, _, image) = await platform.StoreAsync(Id, Other);

        Assert.Equal(200, status);
        Assert.Equal(step == "completed" ? Hash(Png) : Hash(Other), image!.ETag);
        Assert.Equal([image.Key], platform.Storage.Objects);
        using var nobody = platform.Gateway(null);
        Assert.Equal(image.ETag, Hash(await nobody.GetByteArrayAsync(image.CdnUrl.AbsolutePath, Cancel)));
    }

    [Fact]
    public async Task What_is_no_picture_too_large_or_announced_as_something_else_is_refused()
    {
        await using var platform = await ImagesPlatform.StartAsync(("MaxServerUploadBytes", "2000"), ("MaxPixels", "1000"));

        Assert.Equal((413, "IMAGE_TOO_LARGE", null), await platform.StoreAsync(Id, [.. Png, .. new byte[2000]]));
        Assert.Equal((413, "IMAGE_TOO_LARGE", null), await platform.StoreAsync(Id, PngEncoder.Encode(new Bitmap(40, 26))));
        Assert.Equal((415, "CONTENT_TYPE_MISMATCH", null), await platform.StoreAsync(Id, Png, "image/jpeg"));
        Assert.Equal((415, "UNSUPPORTED_IMAGE", null), await platform.StoreAsync(Id, "GIF89a-and-more"u8.ToArray(), "image/gif"));
        Assert.Equal((400, "IMAGE_EMPTY", null), await platform.StoreAsync(Id, []));
        Assert.Equal((400, "VALIDATION_FAILED"), (await platform.StoreAsync(Id, Png, owner: "")) is var (status, code, _) ? (status, code) : default);
        Assert.Equal((403, "CALLER_NOT_ALLOWED", null), await platform.StoreAsync(Id, Png, caller: Apps.Scan));
        Assert.Empty(platform.Storage.Objects);
        Assert.Null(await platform.StateAsync<GeneratedImage>($"generated:{Id:N}"));
    }

    [Fact]
    public async Task An_id_belongs_to_one_owner()
    {
        await using var platform = await ImagesPlatform.StartAsync();
        await platform.StoreAsync(Id, Png);

        Assert.Equal((409, "OWNER_MISMATCH", null), await platform.StoreAsync(Id, Png, owner: "u2"));
    }

    [Fact]
    public async Task The_largest_picture_passes_the_sidecar()
    {
        await using var platform = await ImagesPlatform.StartAsync();
        var pixels = new Bitmap(1200, 800);
        new Random(1).NextBytes(pixels.Pixels);
        var picture = PngEncoder.Encode(pixels, System.IO.Compression.CompressionLevel.NoCompression);
        Array.Resize(ref picture, new ImagesOptions().MaxServerUploadBytes);

        var (status, _, image) = await platform.StoreAsync(Id, picture);

        Assert.Equal((200, picture.Length), (status, image!.Length));
    }

    [Fact]
    public async Task An_erasure_deletes_generated_pictures_and_refuses_new_ones()
    {
        await using var platform = await ImagesPlatform.StartAsync();
        var stored = (await platform.StoreAsync(Id, Png)).Image!;
        await platform.StoreAsync(Guid.NewGuid(), Other, owner: "u2");

        await platform.EraseAsync("u1");

        Assert.Single(platform.Storage.Objects);
        Assert.Null(await platform.StateAsync<GeneratedImage>($"generated:{Id:N}"));
        using var nobody = platform.Gateway(null);
        using var gone = await nobody.GetAsync(stored.CdnUrl.AbsolutePath, Cancel);
        Assert.Equal((HttpStatusCode.NotFound, "IMAGE_NOT_FOUND"), (gone.StatusCode, await ImagesPlatform.CodeAsync(gone)));
        Assert.Equal((404, "USER_NOT_FOUND", null), await platform.StoreAsync(Id, Png));
        Assert.Equal((404, "USER_NOT_FOUND", null), await platform.StoreAsync(Guid.NewGuid(), Png));
        Assert.Single(platform.Storage.Objects);
        Assert.Null(await platform.StateAsync<GeneratedImage>($"generated:{Id:N}"));
    }

    [Theory]
    [InlineData("write")]
    [InlineData("complete")]
    [InlineData("record")]
    public async Task A_write_that_an_erasure_overtakes_leaves_nothing(string step)
    {
        await using var platform = await ImagesPlatform.StartAsync();
        var faults = platform.Dapr.Faults;
        async Task EraseFirstAsync(Func<Task> proceed)
        {
            await platform.EraseAsync("u1");
            await proceed();
        }

        string? recorded = null;
        _ = step switch
        {
            "write" => faults.Bindings(Components.Objects, "create").Do((_, proceed, _) => EraseFirstAsync(proceed)),
            "complete" => faults.StateWrites(Components.StateStore, $"generated:{Id:N}").After(1).Do((_, proceed, _) => EraseFirstAsync(proceed)),
            _ => faults.StateWrites(Components.StateStore).When(attempt => attempt.Writes[0].Key.Contains("||image:generated/", StringComparison.Ordinal)).Do((attempt, proceed, _) =>
            {
                recorded = attempt.Writes[0].Key.Split("||")[1];
                return EraseFirstAsync(proceed);
            }),
        };

        Assert.Equal((404, "USER_NOT_FOUND", null), await platform.StoreAsync(Id, Png));

        Assert.Empty(platform.Storage.Objects);
        Assert.Null(await platform.StateAsync<GeneratedImage>($"generated:{Id:N}"));
        Assert.Equal(step == "record", recorded is not null);
        Assert.True(recorded is null || await platform.StateAsync<object>(recorded) is null);
    }

    private static string Hash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));
}
