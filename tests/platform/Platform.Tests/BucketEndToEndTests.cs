using System.Net;
using System.Text.Json;
using FakeModelServer;
using Imaging;
using S3Servers;
using ScanClient;
using Webhooks;

namespace Platform.Tests;

/// <summary>One run of the platform for the whole class, with pictures in a bucket.</summary>
/// <param name="set">Below <c>components/</c>; its <c>objects</c> is the bucket.</param>
public abstract class BucketFixture(string set) : IAsyncLifetime
{
    public PlatformRun Run { get; private set; } = null!;

    public PictureBucket Bucket { get; private set; } = null!;

    protected abstract Task<PictureBucket> NewBucketAsync();

    public async ValueTask InitializeAsync()
    {
        Bucket = await NewBucketAsync();
        Run = await ComponentSets.StartAsync(set, new FakeModelOptions(), Bucket);
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (Run is not null)
        {
            await Run.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }
}

/// <summary>On the server that checks every signature.</summary>
public abstract class StrictBucketFixture(string set) : BucketFixture(set)
{
    private S3Server? _server;

    protected override async Task<PictureBucket> NewBucketAsync() => PictureBucket.On(_server = await S3Server.StartAsync());

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }
}

public sealed class LocalBucketFixture() : StrictBucketFixture("local");

public sealed class RedisBucketFixture() : StrictBucketFixture("redis");

public sealed class RabbitMqBucketFixture() : StrictBucketFixture("rabbitmq");

/// <summary>On a server that other people wrote.</summary>
public sealed class S3rverBucketFixture() : BucketFixture("local")
{
    protected override Task<PictureBucket> NewBucketAsync() => PictureBucket.OnS3rverAsync();
}

public sealed class LocalBucketEndToEndTests(LocalBucketFixture fixture) : BucketEndToEndTests(fixture), IClassFixture<LocalBucketFixture>;

public sealed class RedisBucketEndToEndTests(RedisBucketFixture fixture) : BucketEndToEndTests(fixture), IClassFixture<RedisBucketFixture>;

public sealed class RabbitMqBucketEndToEndTests(RabbitMqBucketFixture fixture) : BucketEndToEndTests(fixture), IClassFixture<RabbitMqBucketFixture>;

public sealed class S3rverBucketEndToEndTests(S3rverBucketFixture fixture) : BucketEndToEndTests(fixture), IClassFixture<S3rverBucketFixture>;

/// <summary>Scans and desks whose pictures lie in a bucket: uploaded to a signed address, read by component <c>objects</c> and through images, erased with the account.</summary>
public abstract class BucketEndToEndTests(BucketFixture fixture) : IDisposable
{
    private readonly PlatformRun _run = fixture.Run;
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(90));

    public void Dispose()
    {
        _limit.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_photo_in_the_bucket_is_scanned_and_erased()
    {
        var user = await _run.UserAsync(_limit.Token);

        var image = await user.UploadAsync(PlatformRun.Picture, "image/png", _limit.Token);
        var stream = new JobStream(user);
        await stream.ReadToEndAsync(await user.SubmitAsync(image, "of the bucket", _limit.Token), _limit.Token);

        Assert.Empty(stream.Violations);
        Assert.Equal("completed", stream.Terminal);
        var key = KeyOf(image);
        Assert.Equal([key, $"thumbnails/{key}"], await fixture.Bucket.KeysAsync(_limit.Token));
        Assert.Equal(ImageDecoder.Identify(PlatformRun.Picture), ImageDecoder.Identify(await ReadAsync(user, image)));
        await EraseAsync(user);
    }

    [Fact]
    public async Task A_desk_is_restyled_into_the_bucket_told_and_erased()
    {
        await using var receiver = await CallbackReceiver.StartAsync(_run);
        var user = await _run.UserAsync(_limit.Token);
        var image = await user.UploadAsync(PlatformRun.Picture, "image/png", _limit.Token);

        var answer = await user.PostAsync(
            "/api/v1/desk/v1/generate", new { initial_image_url = image, request_id = "of the bucket", callback_url = receiver.Hook(Manner.Takes, 1) }, _limit.Token);
        var task = answer.GetProperty("task_id").GetGuid();
        var stream = await DeskTasks.FollowAsync(user, task, _limit.Token);
        var attempt = Assert.Single(await DeskTasks.DeliveredAsync(receiver, user, 1, _limit.Token));

        Assert.Equal("completed", stream.Terminal);
        Assert.Equal(WebhookVerdict.Genuine, attempt.Verdict);
        var data = JsonElement.Parse(attempt.Body).GetProperty("data");
        Assert.Equal("success", data.GetProperty("status").GetString());
        // Photo, thumbnail, and the two pictures of the desk, which who receives a callback reads without a token.
        var result = (await user.GetAsync($"/api/v1/desk/v1/tasks/{task}", _limit.Token)).GetProperty("result");
        var (before, made) = (result.GetProperty("before_image_url").GetString()!, data.GetProperty("processed_image_url").GetString()!);
        Assert.Equal(
            new[] { KeyOf(image), $"thumbnails/{KeyOf(image)}", KeyOf(before), KeyOf(made) }.Order(StringComparer.Ordinal), await fixture.Bucket.KeysAsync(_limit.Token));
        foreach (var address in new[] { before, made })
        {
            var bitmap = ImageDecoder.Decode(await ReadAsync(null, address));
            Assert.Equal((1024, 1024), (bitmap.Width, bitmap.Height));
        }

        await EraseAsync(user);
    }

    private static string KeyOf(string image) => new Uri(image).AbsolutePath["/api/v1/images/".Length..];

    private async Task<byte[]> ReadAsync(ScanUser? user, string address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address).AbsolutePath);
        using var response = await (user?.SendAsync(request, HttpCompletionOption.ResponseContentRead, _limit.Token) ?? _run.Http.SendAsync(request, _limit.Token));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsByteArrayAsync(_limit.Token);
    }

    private async Task EraseAsync(ScanUser user)
    {
        using var deletion = new HttpRequestMessage(HttpMethod.Delete, "/api/v1/users/me");
        using var deleted = await user.SendAsync(deletion, HttpCompletionOption.ResponseContentRead, _limit.Token);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        while ((await fixture.Bucket.KeysAsync(_limit.Token)).Count > 0)
        {
            await Task.Delay(50, _limit.Token);
        }
    }
}
