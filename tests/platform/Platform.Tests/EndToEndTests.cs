using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using FakeModelServer;
using Imaging;
using ScanClient;

namespace Platform.Tests;

/// <summary>One run of the platform for the whole class; its tests run one after the other.</summary>
/// <param name="set">Below <c>components/</c>.</param>
public abstract class EndToEndFixture(string set) : IAsyncLifetime
{
    public string Set => set;

    public PlatformRun Run { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Run = await ComponentSets.StartAsync(set, new FakeModelOptions());

    public async ValueTask DisposeAsync()
    {
        if (Run is not null)
        {
            await Run.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }
}

public sealed class LocalFixture() : EndToEndFixture("local");

public sealed class RedisFixture() : EndToEndFixture("redis");

public sealed class RabbitMqFixture() : EndToEndFixture("rabbitmq");

public sealed class LocalEndToEndTests(LocalFixture fixture) : EndToEndTests(fixture), IClassFixture<LocalFixture>;

public sealed class RedisEndToEndTests(RedisFixture fixture) : EndToEndTests(fixture), IClassFixture<RedisFixture>;

public sealed class RabbitMqEndToEndTests(RabbitMqFixture fixture) : EndToEndTests(fixture), IClassFixture<RabbitMqFixture>;

/// <summary>Scans from a picture to a reward, and everything that may go wrong on the way, on every component set that runs here.</summary>
public abstract partial class EndToEndTests(EndToEndFixture fixture) : IDisposable
{
    private readonly PlatformRun _run = fixture.Run;
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(90));

    public void Dispose()
    {
        _run.Model.Behave(new FakeModelOptions());
        _limit.Dispose();
        GC.SuppressFinalize(this);
    }

    private async Task<(ScanUser User, string Image)> ReadyUserAsync()
    {
        var user = await _run.UserAsync(_limit.Token);
        return (user, await user.UploadAsync(PlatformRun.Picture, "image/png", _limit.Token));
    }

    private async Task<JobStream> FollowAsync(ScanUser user, Guid job)
    {
        var stream = new JobStream(user);
        await stream.ReadToEndAsync(job, _limit.Token);
        Assert.Empty(stream.Violations);
        return stream;
    }

    private async Task<ApiProblemException> RefusedAsync(Func<Task> call) => await Assert.ThrowsAsync<ApiProblemException>(call);

    private async Task<(HttpStatusCode Status, string? Code)> SendAsync(ScanUser user, HttpMethod method, string path, HttpContent? content = null, string? key = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using var response = await user.SendAsync(request, HttpCompletionOption.ResponseContentRead, _limit.Token);
        var isProblem = response.Content.Headers.ContentType?.MediaType == "application/problem+json";
        return (response.StatusCode, isProblem ? (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString() : null);
    }

    /// <summary>Sends to scan's sidecar as scan does.</summary>
    private async Task AsScanAsync(string path, object body)
    {
        var instance = _run.SidecarInstance("scan");
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{instance.GetProperty("http_port").GetInt32()}/v1.0/{path}")
        {
            Content = JsonContent.Create(body),
        };
        request.Headers.Add("dapr-api-token", instance.GetProperty("api_token").GetString());
        using var response = await _run.Http.SendAsync(request, _limit.Token);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    private Task PublishAsync(string topic, Guid job, ScanUser user, string image) => AsScanAsync($"publish/pubsub/{topic}", new
    {
        id = Guid.NewGuid(),
        ts = DateTimeOffset.UtcNow,
        job_id = job,
        user_id = user.UserId,
        image_key = new Uri(image).AbsolutePath["/api/v1/images/".Length..],
        deadline = DateTimeOffset.UtcNow.AddMinutes(5),
    });

    /// <summary>A job whose request is never published.</summary>
    private async Task<Guid> CreateJobAsync(ScanUser user, TimeSpan deadline)
    {
        var job = Guid.NewGuid();
        var now = DateTimeOffset.UtcNow;
        await AsScanAsync($"invoke/event-router/method/jobs/{job}/events", new
        {
            events = new[] { new { key = "queued.started", stage = "queued", status = "started", progress = 0, ts = now } },
            create = new { owner = user.UserId, app = "scan", deadline = now + deadline, max_open_per_owner = 5, max_open = 2000 },
        });
        return job;
    }

    [Fact]
    public async Task A_scan_arrives_stage_by_stage_and_is_rewarded_once()
    {
        var (user, image) = await ReadyUserAsync();

        var stream = await FollowAsync(user, await user.SubmitAsync(image, "first", _limit.Token));

        Assert.Equal(
            ["queued.started", "vision.started", "vision.completed", "rule.started", "rule.completed", "answer.started", "answer.completed", "reward.started", "reward.completed", "done.completed"],
            stream.Events.Select(seen => $"{seen.Stage}.{seen.Status}"));
        var done = stream.Events[^1].Data.GetProperty("result");
        Assert.Equal("무색페트병", done.GetProperty("pipeline_result").GetProperty("classification_result").GetProperty("classification").GetProperty("middle_category").GetString());
        Assert.Equal("페티", done.GetProperty("reward").GetProperty("name").GetString());
        Assert.False(done.GetProperty("reward").GetProperty("already_owned").GetBoolean());
        // What the models took: per stage and in the end as a sum.
        var vision = stream.Events.Single(seen => seen is { Stage: "vision", Status: "completed" }).Data.GetProperty("result").GetProperty("meta").GetProperty("usage");
        var answer = stream.Events.Single(seen => seen is { Stage: "answer", Status: "completed" }).Data.GetProperty("result").GetProperty("usage");
        Assert.False(string.IsNullOrEmpty(vision.GetProperty("requested_model").GetString()));
        Assert.True(vision.GetProperty("input_tokens").GetInt64() > 0);
        Assert.Equal(
            vision.GetProperty("output_tokens").GetInt64() + answer.GetProperty("output_tokens").GetInt64(),
            done.GetProperty("usage").GetProperty("output_tokens").GetInt64());

        var jobId = stream.Events[0].Data.GetProperty("job_id").GetGuid();
        Assert.True(JsonElement.DeepEquals(done, await user.GetAsync($"/api/v1/scan/{jobId}/result", _limit.Token)));
        while ((await user.GetAsync("/api/v1/users/me/points", _limit.Token)).GetProperty("points").GetInt32() < 10)
        {
            await Task.Delay(20, _limit.Token);
        }

        Assert.Equal("char-petty", Assert.Single((await user.GetAsync("/api/v1/users/me/characters", _limit.Token)).EnumerateArray()).GetProperty("code").GetString());
        Assert.Contains((await user.GetAsync("/api/v1/scan", _limit.Token)).GetProperty("scans").EnumerateArray(), scan =>
            scan.GetProperty("job_id").GetGuid() == jobId && scan.GetProperty("status").GetString() == "completed");
    }

    [Fact]
    public async Task Repeating_a_request_under_its_key_is_the_same_job_and_another_body_is_refused()
    {
        var (user, image) = await ReadyUserAsync();
        var before = _run.Model.Stats.Vision;

        var first = await user.SubmitAsync(image, "same", _limit.Token);
        var second = await user.SubmitAsync(image, "same", _limit.Token);
        await FollowAsync(user, first);
        var third = await user.SubmitAsync(image, "same", _limit.Token);
        var reused = await RefusedAsync(() => user.SubmitAsync(image, "same", _limit.Token, "another question"));

        Assert.Equal((first, first), (second, third));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "IDEMPOTENCY_KEY_REUSED"), (reused.Status, reused.Code));
        Assert.Equal(before + 1, _run.Model.Stats.Vision);
    }

    [Fact]
    public async Task A_redelivered_request_calls_no_model_again()
    {
        _run.Model.Behave(new FakeModelOptions { VisionLatency = TimeSpan.FromMilliseconds(500) });
        var (user, image) = await ReadyUserAsync();
        var before = _run.Model.Calls.Count;
        var job = await user.SubmitAsync(image, "redelivered", _limit.Token);

        await PublishAsync("scan-requested", job, user, image);
        await FollowAsync(user, job);
        await PublishAsync("scan-requested", job, user, image);
        var next = await user.SubmitAsync(image, "the one after", _limit.Token);
        await FollowAsync(user, next);

        // Vision and answer of two jobs.
        Assert.Equal(before + 4, _run.Model.Calls.Count);
    }

    [Fact]
    public async Task A_job_that_nobody_ends_is_ended_at_its_deadline()
    {
        var user = await _run.UserAsync(_limit.Token);
        var job = await CreateJobAsync(user, TimeSpan.FromSeconds(1));

        var stream = await FollowAsync(user, job);

        Assert.Equal("failed", stream.Terminal);
        Assert.Equal("deadline_exceeded", stream.Events[^1].Data.GetProperty("result").GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_request_that_could_not_be_delivered_ends_its_job()
    {
        var (user, image) = await ReadyUserAsync();
        var job = await CreateJobAsync(user, TimeSpan.FromMinutes(5));

        await PublishAsync("scan-requested-dead", job, user, image);
        var stream = await FollowAsync(user, job);

        Assert.Equal("failed", stream.Terminal);
        Assert.Equal("SCAN_NOT_STARTED", stream.Events[^1].Data.GetProperty("result").GetProperty("error").GetString());
    }

    [Fact]
    public async Task A_reward_that_could_not_be_booked_is_a_dead_letter_and_booked_once_when_it_is_replayed()
    {
        var (user, image) = await ReadyUserAsync();
        // No account can be read from this, so no reward can be booked.
        await _run.SetStateAsync("users", $"user:{user.UserId}", "poison", _limit.Token);
        await FollowAsync(user, await user.SubmitAsync(image, "poisoned", _limit.Token));
        JsonElement[] letters;
        while ((letters = [.. JsonDocument.Parse(await _run.VerbAsync("dead", "list", "--app", "users", "-o", "json")).RootElement.EnumerateArray()]).Length == 0)
        {
            await Task.Delay(500, _limit.Token);
        }

        Assert.Equal("scan-rewarded", Assert.Single(letters).GetProperty("topic").GetString());
        Assert.StartsWith("the app answered 500: ", letters[0].GetProperty("reason").GetString(), StringComparison.Ordinal);
        await _run.SetStateAsync("users", $"user:{user.UserId}", null, _limit.Token);
        Assert.EndsWith("replayed 1", await _run.VerbAsync("dead", "replay", letters[0].GetProperty("id").GetString()!), StringComparison.Ordinal);

        while ((await user.GetAsync("/api/v1/users/me/points", _limit.Token)).GetProperty("points").GetInt32() < 10)
        {
            await Task.Delay(20, _limit.Token);
        }

        Assert.Equal("no dead letters", await _run.VerbAsync("dead", "list", "--app", "users"));
        Assert.Equal(10, (await user.GetAsync("/api/v1/users/me/points", _limit.Token)).GetProperty("points").GetInt32());
        Assert.Single((await user.GetAsync("/api/v1/users/me/characters", _limit.Token)).EnumerateArray());
    }

    [Fact]
    public async Task A_scan_that_runs_is_not_ended_because_a_redelivery_of_its_request_failed()
    {
        using var vision = new Gate();
        _run.Model.Behave(new FakeModelOptions { VisionUntil = vision.Opened });
        var (user, image) = await ReadyUserAsync();
        var behind = await CreateJobAsync(user, TimeSpan.FromMinutes(5));
        var job = await user.SubmitAsync(image, "redelivered in vain", _limit.Token);
        while (_run.Model.Stats.Running == 0)
        {
            await Task.Delay(20, _limit.Token);
        }

        // When the message behind it has been handled, so has this one.
        await PublishAsync("scan-requested-dead", job, user, image);
        await PublishAsync("scan-requested-dead", behind, user, image);
        Assert.Equal("failed", (await FollowAsync(user, behind)).Terminal);
        vision.Open();

        Assert.Equal("completed", (await FollowAsync(user, job)).Terminal);
    }

    [Fact]
    public async Task A_cancelled_scan_ends_at_once_and_calls_no_further_model()
    {
        using var vision = new Gate();
        _run.Model.Behave(new FakeModelOptions { VisionUntil = vision.Opened });
        var (user, image) = await ReadyUserAsync();
        var answers = _run.Model.Stats.Answer;
        var job = await user.SubmitAsync(image, "cancelled", _limit.Token);

        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(user, HttpMethod.Delete, $"/api/v1/scan/{job}")).Status);
        Assert.Equal("cancelled", (await FollowAsync(user, job)).Terminal);
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(user, HttpMethod.Delete, $"/api/v1/scan/{job}")).Status);
        vision.Open();
        var next = await user.SubmitAsync(image, "after the cancelled one", _limit.Token);
        await FollowAsync(user, next);
        Assert.Equal((HttpStatusCode.Conflict, "JOB_CLOSED"), await SendAsync(user, HttpMethod.Delete, $"/api/v1/scan/{next}"));
        Assert.Equal(answers + 1, _run.Model.Stats.Answer);
    }

    [Fact]
    public async Task The_sixth_open_scan_is_refused_until_one_has_ended()
    {
        using var vision = new Gate();
        _run.Model.Behave(new FakeModelOptions { VisionUntil = vision.Opened });
        var (user, image) = await ReadyUserAsync();
        var jobs = new List<Guid>();
        for (var n = 0; n < 5; n++)
        {
            jobs.Add(await user.SubmitAsync(image, $"open {n}", _limit.Token));
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/scan") { Content = JsonContent.Create(new { image_url = image }) };
        using var response = await user.SendAsync(request, HttpCompletionOption.ResponseContentRead, _limit.Token);

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Contains("TOO_MANY_OPEN_JOBS", await response.Content.ReadAsStringAsync());
        vision.Open();
        await Task.WhenAll(jobs.Select(job => FollowAsync(user, job)));
        await FollowAsync(user, await user.SubmitAsync(image, "now", _limit.Token));
    }

    [Fact]
    public async Task A_model_that_recovers_costs_attempts_and_one_that_does_not_ends_the_job()
    {
        var (user, image) = await ReadyUserAsync();
        _run.Model.Behave(new FakeModelOptions { FailNext = 4 });
        var recovered = await FollowAsync(user, await user.SubmitAsync(image, "recovers", _limit.Token));
        _run.Model.Behave(new FakeModelOptions { FailNext = 1000, FailStatus = 400 });
        var failed = await FollowAsync(user, await user.SubmitAsync(image, "rejects", _limit.Token));

        Assert.Equal("completed", recovered.Terminal);
        Assert.Contains(recovered.Events, seen => seen.Status == "retrying");
        Assert.Equal("failed", failed.Terminal);
        Assert.Contains("MODEL_REJECTED_REQUEST", failed.Events[^1].Data.GetProperty("message").GetString());
        Assert.Equal("SCAN_FAILED", failed.Events[^1].Data.GetProperty("result").GetProperty("error").GetString());
    }

    [Theory]
    [InlineData("http://evil.example/api/v1/images/scan/0123456789abcdef0123456789abcdef.jpg", "IMAGE_HOST_NOT_ALLOWED")]
    [InlineData("http://169.254.169.254/latest/meta-data", "IMAGE_HOST_NOT_ALLOWED")]
    [InlineData("http://localhost/api/v1/images/scan/0123456789abcdef0123456789abcdef.jpg", "IMAGE_NOT_FOUND")]
    public async Task Pictures_that_are_not_ours_are_refused(string address, string code)
    {
        var user = await _run.UserAsync(_limit.Token);

        var refused = await RefusedAsync(() => user.SubmitAsync(address, Guid.NewGuid().ToString(), _limit.Token));

        Assert.Equal((HttpStatusCode.BadRequest, code), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task Bad_input_gets_a_problem_with_a_code()
    {
        var (user, image) = await ReadyUserAsync();

        Assert.Equal((HttpStatusCode.BadRequest, "UNSUPPORTED_MODEL"), await SendAsync(user, HttpMethod.Post, "/api/v1/scan", JsonContent.Create(new { image_url = image, model = "no-such-model" })));
        Assert.Equal((HttpStatusCode.BadRequest, "VALIDATION_FAILED"), await SendAsync(user, HttpMethod.Post, "/api/v1/scan", JsonContent.Create(new { })));
        Assert.Equal((HttpStatusCode.UnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE"), await SendAsync(user, HttpMethod.Post, "/api/v1/scan", new StringContent("x")));
        Assert.Equal((HttpStatusCode.BadRequest, "BAD_REQUEST"), await SendAsync(user, HttpMethod.Post, "/api/v1/scan"));
        Assert.Equal((HttpStatusCode.BadRequest, "BAD_REQUEST"), await SendAsync(user, HttpMethod.Post, "/api/v1/scan", new StringContent("{", new MediaTypeHeaderValue("application/json"))));
        Assert.Equal((HttpStatusCode.NotFound, "RESULT_NOT_FOUND"), await SendAsync(user, HttpMethod.Get, $"/api/v1/scan/{Guid.NewGuid()}/result"));
        Assert.Equal((HttpStatusCode.NotFound, "JOB_NOT_FOUND"), await SendAsync(user, HttpMethod.Delete, $"/api/v1/scan/{Guid.NewGuid()}"));
        Assert.Equal((HttpStatusCode.NotImplemented, "NOT_IMPLEMENTED"), await SendAsync(user, HttpMethod.Get, "/api/v1/chat"));
    }

    [Fact]
    public async Task Nobody_sees_what_belongs_to_somebody_else()
    {
        var (owner, image) = await ReadyUserAsync();
        var job = await owner.SubmitAsync(image, "mine", _limit.Token);
        await FollowAsync(owner, job);
        var other = await _run.UserAsync(_limit.Token);

        foreach (var (path, code) in ((string, string)[])
            [($"/api/v1/scan/{job}/result", "RESULT_NOT_FOUND"), ($"/api/v1/scan/{job}/events", "JOB_NOT_FOUND"), ($"/api/v1/jobs/{job}/log?after=0", "JOB_NOT_FOUND"), (new Uri(image).AbsolutePath, "IMAGE_NOT_FOUND")])
        {
            Assert.Equal((HttpStatusCode.NotFound, code), await SendAsync(other, HttpMethod.Get, path));
        }

        Assert.Equal((HttpStatusCode.NotFound, "JOB_NOT_FOUND"), await SendAsync(other, HttpMethod.Delete, $"/api/v1/scan/{job}"));
        Assert.Equal("IMAGE_NOT_FOUND", (await RefusedAsync(() => other.SubmitAsync(image, "theirs", _limit.Token))).Code);
    }

    [Fact]
    public async Task Who_comes_late_gets_the_whole_history_and_then_204()
    {
        var (user, image) = await ReadyUserAsync();
        var job = await user.SubmitAsync(image, "late", _limit.Token);
        var live = await FollowAsync(user, job);
        var late = await FollowAsync(user, job);

        Assert.Equal(live.Events.Select(seen => seen.Data.GetRawText()), late.Events.Select(seen => seen.Data.GetRawText()));
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/scan/{job}/events");
        request.Headers.Add("Last-Event-ID", live.Events[^1].Seq.ToString());
        using var response = await user.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _limit.Token);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }

    /// <summary>As a telephone takes it: larger than every limit of a message on the way, and sent to the model at reduced size.</summary>
    [Fact]
    public async Task A_photo_of_12_MB_is_kept_at_full_size_and_scanned()
    {
        var user = await _run.UserAsync(_limit.Token);
        var photo = Noise();
        Assert.InRange(photo.Length, 12_000_000, 20_000_000);

        var image = await user.UploadAsync(photo, "image/jpeg", _limit.Token);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(image).PathAndQuery);
        using var stored = await user.SendAsync(request, HttpCompletionOption.ResponseContentRead, _limit.Token);
        Assert.Equal(HttpStatusCode.OK, stored.StatusCode);
        var read = await stored.Content.ReadAsByteArrayAsync(_limit.Token);
        Assert.Equal(ImageDecoder.Identify(photo), ImageDecoder.Identify(read));
        Assert.True(read.Length > 4 * 1024 * 1024, $"{read.Length}: it fits a message");

        Assert.Equal("completed", (await FollowAsync(user, await user.SubmitAsync(image, "large", _limit.Token))).Terminal);
    }

    [Fact]
    public async Task A_photo_over_the_limit_or_of_another_kind_is_refused()
    {
        var user = await _run.UserAsync(_limit.Token);

        // Bytes after a PNG's end are legal, so a small picture makes a large file.
        var tooLarge = await RefusedAsync(() => user.UploadAsync([.. PlatformRun.Picture, .. new byte[20 * 1024 * 1024]], "image/png", _limit.Token));
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "IMAGE_TOO_LARGE"), (tooLarge.Status, tooLarge.Code));
        var text = await RefusedAsync(() => user.UploadAsync("this is no picture"u8.ToArray(), "image/png", _limit.Token));
        Assert.Equal((HttpStatusCode.UnsupportedMediaType, "UNSUPPORTED_IMAGE"), (text.Status, text.Code));
    }

    private static byte[] Noise()
    {
        var bitmap = new Bitmap(4000, 3000);
        new Random(1).NextBytes(bitmap.Pixels);
        return JpegEncoder.Encode(bitmap, quality: 94);
    }

    [Theory]
    [InlineData("scan-worker", HttpStatusCode.Forbidden)]
    [InlineData("images", HttpStatusCode.Forbidden)]
    // Out of the scopes of the component: its sidecar has no secret store at all.
    [InlineData("gateway", HttpStatusCode.InternalServerError)]
    [InlineData("auth", HttpStatusCode.OK)]
    public async Task Only_auth_reads_the_key_that_guards_its_signing_keys(string app, HttpStatusCode expected)
    {
        var instance = _run.SidecarInstance(app);
        using var request = new HttpRequestMessage(
            HttpMethod.Get, $"http://127.0.0.1:{instance.GetProperty("http_port").GetInt32()}/v1.0/secrets/secrets/identity-encryption-key");
        request.Headers.Add("dapr-api-token", instance.GetProperty("api_token").GetString());

        using var response = await _run.Http.SendAsync(request, _limit.Token);

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task What_is_built_is_ready_within_40_seconds()
    {
        var servers = await ComponentSets.ServersAsync(fixture.Set);
        var started = Stopwatch.GetTimestamp();

        await using var second = await PlatformRun.StartAsync(new FakeModelOptions(), servers, ["-c", fixture.Set]);

        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task The_sample_scans_a_photo()
    {
        var (code, output, error) = await SampleAsync(PlatformRun.Picture);

        Assert.Equal((0, ""), (code, error));
        Assert.Equal(
            ["queued started", "vision started", "vision completed", "rule started", "rule completed", "answer started", "answer completed", "reward started", "reward completed", "done completed"],
            output.Split('\n').Skip(1).Take(10).Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries))));
        Assert.Contains("\"status\":\"completed\"", output);
    }

    [Fact]
    public async Task The_sample_shows_what_was_refused()
    {
        var (code, _, error) = await SampleAsync("this is no picture"u8.ToArray());

        Assert.NotEqual(0, code);
        Assert.Contains("UNSUPPORTED_IMAGE", error);
    }

    private async Task<(int Code, string Output, string Error)> SampleAsync(byte[] content)
    {
        var photo = Path.Combine(Directory.CreateTempSubdirectory("tandem photo").FullName, "photo.png");
        await File.WriteAllBytesAsync(photo, content, _limit.Token);
        using var sample = Process.Start(new ProcessStartInfo("sh", [Path.Combine(PlatformRun.Root, "samples", "scan.sh"), photo, "어떻게 버리나요? \"병\""])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["GATEWAY"] = _run.Gateway.GetLeftPart(UriPartial.Authority) },
        })!;

        var (output, error) = (sample.StandardOutput.ReadToEndAsync(_limit.Token), sample.StandardError.ReadToEndAsync(_limit.Token));
        await sample.WaitForExitAsync(_limit.Token);
        Directory.Delete(Path.GetDirectoryName(photo)!, recursive: true);
        return (sample.ExitCode, await output, await error);
    }

    [Fact]
    public async Task Identity_cannot_be_forged_past_the_gateway_or_beside_it()
    {
        using var forged = new HttpRequestMessage(HttpMethod.Get, "/api/v1/users/me");
        forged.Headers.Add("X-User-ID", "somebody");
        using var atGateway = await _run.Http.SendAsync(forged, _limit.Token);
        Assert.Equal(HttpStatusCode.Unauthorized, atGateway.StatusCode);

        foreach (var (app, path) in ((string, string)[])[("users#0", "/api/v1/users/me"), ("event-router#0", $"/jobs/{Guid.NewGuid()}"), ("scan#0", "/dapr/subscribe"), ("characters#0", "/on/scan-rewarded")])
        {
            var address = $"http://127.0.0.1:{_run.Find(app).GetProperty("app_port").GetInt32()}{path}";
            using var direct = new HttpRequestMessage(path.StartsWith("/on/", StringComparison.Ordinal) ? HttpMethod.Post : HttpMethod.Get, address);
            direct.Headers.Add("X-User-ID", "somebody");
            direct.Headers.Add("dapr-caller-app-id", "gateway");
            using var beside = await _run.Http.SendAsync(direct, _limit.Token);
            Assert.Equal(HttpStatusCode.Forbidden, beside.StatusCode);
        }
    }
}
