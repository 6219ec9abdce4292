using Images.Storage;
using Microsoft.Extensions.Options;

namespace Images.Tests;

public sealed class ImageStorageTests : IDisposable
{
    private static readonly byte[] Jpeg = [0xFF, 0xD8, 0xFF, 0xE0, .. new byte[200_000]];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("objects");
    private readonly ObjectFiles _files;

    public ImageStorageTests() => _files = new ObjectFiles(Options.Create(new ImagesOptions
    {
        ObjectsPath = _folder.FullName, MaxUploadBytes = 250_000, UploadIdleTimeout = TimeSpan.FromMilliseconds(300),
    }));

    public void Dispose() => _folder.Delete(recursive: true);

    private string[] Leftovers => Directory.GetFiles(Path.Combine(_folder.FullName, ".uploads"));

    [Fact]
    public async Task A_picture_appears_whole_under_its_key()
    {
        var (etag, length) = await _files.WriteAsync("scan/a.jpg", "image/jpeg", new MemoryStream(Jpeg), default);

        Assert.Equal(Jpeg.Length, length);
        Assert.Equal(64, etag.Length);
        Assert.Equal(Jpeg, await _files.ReadAsync("scan/a.jpg", default));
        Assert.Empty(Leftovers);
    }

    [Fact]
    public async Task The_size_limit_holds_for_bodies_without_a_length()
    {
        var refused = await Assert.ThrowsAsync<UploadException>(() =>
            _files.WriteAsync("scan/a.jpg", "image/jpeg", new MemoryStream([.. Jpeg, .. new byte[60_000]]), default));

        Assert.Equal((413, "IMAGE_TOO_LARGE"), (refused.Status, refused.Code));
        Assert.Null(await _files.ReadAsync("scan/a.jpg", default));
        Assert.Empty(Leftovers);
    }

    [Theory]
    [InlineData("image/png")]
    [InlineData("text/html")]
    public async Task The_first_bytes_must_be_what_was_announced(string type) =>
        Assert.Equal("UNSUPPORTED_IMAGE", (await Assert.ThrowsAsync<UploadException>(() =>
            _files.WriteAsync("scan/a.jpg", type, new MemoryStream(Jpeg), default))).Code);

    [Fact]
    public async Task An_empty_body_is_refused() => Assert.Equal("IMAGE_EMPTY", (await Assert.ThrowsAsync<UploadException>(() =>
        _files.WriteAsync("scan/a.jpg", "image/jpeg", new MemoryStream(), default))).Code);

    [Fact]
    public async Task A_body_that_stalls_is_cut() => Assert.Equal("UPLOAD_TOO_SLOW", (await Assert.ThrowsAsync<UploadException>(() =>
        _files.WriteAsync("scan/a.jpg", "image/jpeg", new StalledStream(), default))).Code);

    [Theory]
    [InlineData("scan", "../../etc/passwd")]
    [InlineData("..", "0123456789abcdef0123456789abcdef.jpg")]
    [InlineData("scan", "0123456789abcdef0123456789abcdef.jpg/..")]
    [InlineData("secret", "0123456789abcdef0123456789abcdef.jpg")]
    public void Only_keys_of_our_form_are_keys(string channel, string file) => Assert.Null(ImageKey.FromPath(channel, file));

    [Theory]
    [InlineData("photo.JPG", ".jpg")]
    [InlineData("photo", ".bin")]
    [InlineData("../../x.sh;rm", ".bin")]
    public void Of_a_file_name_only_a_plain_ending_is_kept(string name, string ending)
    {
        var key = ImageKey.Create("scan", name);

        Assert.EndsWith(ending, key);
        var parts = key.Split('/');
        Assert.Equal(key, ImageKey.FromPath(parts[0], parts[1]));
    }

    private sealed class StalledStream : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
    }
}
