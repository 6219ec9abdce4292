using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Images.Storage;
using Microsoft.Extensions.Options;
using TestKit;

namespace Images.Tests;

public sealed class ImageStorageTests : IDisposable
{
    private static readonly byte[] Jpeg = [0xFF, 0xD8, 0xFF, 0xE0, .. new byte[200_000]];

    private readonly TempDirectory _folder = new();
    private readonly ManualTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly ObjectFiles _files;

    public ImageStorageTests() => _files = new ObjectFiles(
        Options.Create(new ImagesOptions
        {
            ObjectsPath = _folder.Path, MaxUploadBytes = 250_000, UploadIdleTimeout = TimeSpan.FromMilliseconds(300), MaxUploadsPerTicket = 2,
        }),
        _time);

    public void Dispose() => _folder.Dispose();

    private static UploadTicket Ticket(string key, string type = "image/jpeg") => new(key, "scan", "u1", type, null);

    private static PipeReader Body(params byte[] bytes) => PipeReader.Create(new ReadOnlySequence<byte>(bytes));

    private string[] Leftovers => Directory.GetFiles(Path.Combine(_folder.Path, ".uploads"), "*", SearchOption.AllDirectories);

    [Fact]
    public async Task An_upload_appears_whole_and_apart_from_the_pictures()
    {
        var (etag, length) = await _files.ReceiveAsync(Ticket("scan/a.jpg"), Body(Jpeg), default);

        Assert.Equal(Jpeg.Length, length);
        Assert.Equal(64, etag.Length);
        await using var upload = await _files.OpenUploadAsync("scan/a.jpg", etag, default);
        Assert.Equal(Jpeg.Length, upload!.Length);
        Assert.Null(await _files.OpenReadAsync("scan/a.jpg", default));

        await _files.DeleteUploadsAsync("scan/a.jpg", default);
        await _files.DeleteUploadsAsync("scan/a.jpg", default);

        Assert.Null(await _files.OpenUploadAsync("scan/a.jpg", etag, default));
        Assert.Empty(Leftovers);
    }

    [Fact]
    public async Task A_large_picture_is_written_aside_and_renamed()
    {
        await _files.WriteAsync("scan/a.jpg", "image/jpeg", Jpeg, default);
        await _files.WriteAsync("scan/a.jpg", "image/jpeg", Jpeg, default);

        Assert.Equal(Jpeg, await File.ReadAllBytesAsync(Path.Combine(_folder.Path, "scan", "a.jpg"), TestContext.Current.CancellationToken));
        Assert.Empty(Leftovers);
    }

    [Fact]
    public async Task A_ticket_takes_a_limited_number_of_files()
    {
        foreach (var last in (byte[])[1, 2])
        {
            await _files.ReceiveAsync(Ticket("scan/a.jpg"), Body([.. Jpeg, last]), default);
        }

        Assert.Equal("TOO_MANY_UPLOADS", (await Assert.ThrowsAsync<UploadException>(() =>
            _files.ReceiveAsync(Ticket("scan/a.jpg"), Body([.. Jpeg, 3]), default))).Code);
        await _files.ReceiveAsync(Ticket("scan/b.jpg"), Body(Jpeg), default);
    }

    [Fact]
    public async Task What_was_abandoned_is_swept_and_pictures_stay()
    {
        await _files.WriteAsync("scan/a.jpg", "image/jpeg", Jpeg, default);
        await _files.ReceiveAsync(Ticket("scan/b.jpg"), Body(Jpeg), default);
        await File.WriteAllBytesAsync(Path.Combine(_folder.Path, ".uploads", "scan", "b.jpg", "0.part"), Jpeg, TestContext.Current.CancellationToken);

        _time.Advance(TimeSpan.FromMinutes(70));
        Assert.Equal(0, _files.Sweep());
        Assert.True(await _files.HasUploadsAsync("scan/b.jpg", default));

        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(2, _files.Sweep());
        Assert.Empty(Leftovers);
        await using var picture = await _files.OpenReadAsync("scan/a.jpg", default);
        Assert.NotNull(picture);
    }

    [Fact]
    public async Task The_size_limit_holds_for_bodies_without_a_length()
    {
        var refused = await Assert.ThrowsAsync<UploadException>(() =>
            _files.ReceiveAsync(Ticket("scan/a.jpg"), Body([.. Jpeg, .. new byte[60_000]]), default));

        Assert.Equal((413, "IMAGE_TOO_LARGE"), (refused.Status, refused.Code));
        Assert.False(await _files.HasUploadsAsync("scan/a.jpg", default));
        Assert.Empty(Leftovers);
    }

    [Theory]
    [InlineData("image/png")]
    [InlineData("text/html")]
    public async Task The_first_bytes_must_be_what_was_announced(string type) =>
        Assert.Equal("UNSUPPORTED_IMAGE", (await Assert.ThrowsAsync<UploadException>(() =>
            _files.ReceiveAsync(Ticket("scan/a.jpg", type), Body(Jpeg), default))).Code);

    [Fact]
    public async Task An_empty_body_is_refused() => Assert.Equal("IMAGE_EMPTY", (await Assert.ThrowsAsync<UploadException>(() =>
        _files.ReceiveAsync(Ticket("scan/a.jpg"), Body(), default))).Code);

    [Fact]
    public async Task A_body_that_stalls_is_cut()
    {
        var receiving = _files.ReceiveAsync(Ticket("scan/a.jpg"), new Pipe().Reader, default);
        Assert.Equal(1, _time.ArmedTimers);

        _time.Advance(TimeSpan.FromMilliseconds(300));

        Assert.Equal("UPLOAD_TOO_SLOW", (await Assert.ThrowsAsync<UploadException>(() => receiving)).Code);
    }

    [Fact]
    public async Task A_slow_body_has_the_whole_time_again_with_every_byte()
    {
        var body = new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        var receiving = _files.ReceiveAsync(Ticket("scan/a.jpg"), body.Reader, default);
        foreach (var piece in Jpeg.Take(12).Select(one => new[] { one }).Append(Jpeg[12..]))
        {
            _time.Advance(TimeSpan.FromMilliseconds(200));
            // Answers when the piece was looked at.
            await body.Writer.WriteAsync(piece, TestContext.Current.CancellationToken);
        }

        await body.Writer.CompleteAsync();

        Assert.Equal((Convert.ToHexStringLower(SHA256.HashData(Jpeg)), Jpeg.Length), await receiving);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(263_000)]
    public async Task What_is_written_and_hashed_is_what_came_however_it_was_cut(int piece)
    {
        using var files = new TempDirectory();
        var storage = new ObjectFiles(Options.Create(new ImagesOptions { ObjectsPath = files.Path }), _time);
        var picture = RandomNumberGenerator.GetBytes(piece == 1 ? 3_000 : 9_000_000);
        Jpeg.AsSpan(0, 4).CopyTo(picture);
        var body = new Pipe();
        var receiving = storage.ReceiveAsync(Ticket("scan/a.jpg"), body.Reader, default);
        foreach (var part in picture.Chunk(piece))
        {
            await body.Writer.WriteAsync(part, TestContext.Current.CancellationToken);
        }

        await body.Writer.CompleteAsync();

        Assert.Equal((Convert.ToHexStringLower(SHA256.HashData(picture)), picture.Length), await receiving);
        await using var upload = await storage.OpenUploadAsync("scan/a.jpg", (await receiving).ETag, default);
        var written = new MemoryStream();
        await upload!.Content.CopyToAsync(written, TestContext.Current.CancellationToken);
        Assert.True(picture.AsSpan().SequenceEqual(written.ToArray()));
    }

    [Fact]
    public async Task Of_a_body_that_breaks_off_nothing_stays()
    {
        var body = new Pipe();
        var receiving = _files.ReceiveAsync(Ticket("scan/a.jpg"), body.Reader, default);
        await body.Writer.WriteAsync(Jpeg, TestContext.Current.CancellationToken);

        await body.Writer.CompleteAsync(new IOException("the client is gone"));

        await Assert.ThrowsAsync<IOException>(() => receiving);
        Assert.Empty(Leftovers);
    }

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
}
