using Imaging;

namespace Images.Tests;

/// <summary>The way of a picture through a server of S3 that is not ours.</summary>
public sealed class S3rverUploadTests
{
    [Fact]
    public async Task A_picture_is_uploaded_finished_read_and_erased()
    {
        await using var platform = await ImagesPlatform.StartAsync(new S3rverStorage());
        var file = Photos.FromPhone(Photos.Halves(800, 400));
        var open = await platform.TicketAsync(file, "image/jpeg");
        Assert.Equal(200, (await platform.PutAsync(open, file)).Status);

        var ticket = await platform.UploadAsync(file, "image/jpeg");
        Assert.Equal((409, "UPLOAD_MISMATCH"), await platform.FinishAsync(open.Key, UploadContract.Png));

        Assert.Equal([ticket.Key, $"thumbnails/{ticket.Key}"], platform.Storage.Objects);
        Assert.Equal([$"uploads/{open.Key}"], platform.Storage.Uploads);
        var picture = ImageDecoder.Decode((await platform.GetAsync(ticket.Key))!);
        Assert.Equal((400, 800, 'r', 'b'), (picture.Width, picture.Height, Photos.At(picture, 200, 100), Photos.At(picture, 200, 700)));
        await platform.EraseAsync("u1");
        Assert.Empty(platform.Storage.Objects);
        Assert.Empty(platform.Storage.Uploads);
    }
}
