using System.Net;
using System.Text.Json;
using FakeModelServer;
using ScanClient;

namespace Platform.Tests;

/// <summary>A person with scans, one of them running, deletes the account on the whole platform.</summary>
public sealed class AccountErasureTests
{
    /// <summary>Over which users spreads the erasures that are not complete.</summary>
    private const int Shards = 16;

    private static readonly string[] Stages = ["vision", "rule", "answer", "reward"];

    [Fact]
    public async Task Nothing_of_the_person_is_left_in_the_stores_and_the_receipt_says_so()
    {
        await using var run = await ComponentSets.StartAsync("local", new FakeModelOptions());
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var user = await run.UserAsync(limit.Token);
        var image = await user.UploadAsync(PlatformRun.Picture, "image/png", limit.Token);
        var ended = await user.SubmitAsync(image, "ended", limit.Token);
        var stream = new JobStream(user);
        await stream.ReadToEndAsync(ended, limit.Token);
        Assert.Equal("completed", stream.Terminal);
        while ((await user.GetAsync("/api/v1/users/me/points", limit.Token)).GetProperty("points").GetInt32() < 10
            || await run.StateAsync("characters", $"owner:{user.UserId}", limit.Token) is null)
        {
            await Task.Delay(20, limit.Token);
        }

        using var vision = new Gate();
        run.Model.Behave(new FakeModelOptions { VisionUntil = vision.Opened });
        var running = await user.SubmitAsync(image, "running", limit.Token);
        while (run.Model.Stats.Running == 0)
        {
            await Task.Delay(5, limit.Token);
        }

        // The picture and its thumbnail.
        Assert.Equal(2, Pictures(run).Count());
        using (var deletion = new HttpRequestMessage(HttpMethod.Delete, "/api/v1/users/me") { Headers = { Authorization = user.Token } })
        using (var deleted = await run.Http.SendAsync(deletion, limit.Token))
        {
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        }

        JsonElement? erasure;
        while ((erasure = await run.StateAsync("users", $"erasure:{user.UserId}", limit.Token)) is not { } pending || !pending.TryGetProperty("completed_at", out _))
        {
            await Task.Delay(50, limit.Token);
        }

        Assert.Empty(erasure.Value.GetProperty("pending").EnumerateArray());
        for (var shard = 0; shard < Shards; shard++)
        {
            // It leaves the list a moment after it is complete.
            while ((await run.StateAsync("users", $"erasures:{shard}", limit.Token))?.GetRawText().Contains(user.UserId, StringComparison.Ordinal) == true)
            {
                await Task.Delay(20, limit.Token);
            }
        }

        // The stage that was under way ends; it may not leave its result.
        vision.Open();
        while (run.Model.Stats.Running > 0)
        {
            await Task.Delay(20, limit.Token);
        }

        foreach (var job in (Guid[])[ended, running])
        {
            Assert.Null(await run.StateAsync("event-router", $"job:{job}", limit.Token, "joblog"));
            foreach (var stage in Stages)
            {
                while (await run.StateAsync("scan-worker", $"result:{job}:{stage}", limit.Token) is not null)
                {
                    await Task.Delay(20, limit.Token);
                }
            }
        }

        // What stays are the marks, which say that somebody was here and nothing else.
        foreach (var (app, key) in ((string, string)[])[("users", "user"), ("characters", "owner"), ("images", "images"), ("scan", "history")])
        {
            var mark = (await run.StateAsync(app, $"{key}:{user.UserId}", limit.Token))!.Value;
            Assert.Contains(mark.EnumerateObject(), member => member.Name is "deleted_at" or "erased_at");
            Assert.All(mark.EnumerateObject(), member => Assert.True(
                member.Name is "deleted_at" or "erased_at" || member.Value is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() == 0
                    || member.Value.ValueKind == JsonValueKind.Number && member.Value.GetInt32() == 0, $"{app}: {member}"));
        }

        var picture = new Uri(image).AbsolutePath["/api/v1/images/".Length..];
        Assert.Null(await run.StateAsync("images", $"image:{picture}", limit.Token));
        Assert.Null(await run.StateAsync("images", $"ticket:{picture}", limit.Token));
        Assert.Empty(Pictures(run));
        using var late = new HttpRequestMessage(HttpMethod.Get, "/api/v1/users/me") { Headers = { Authorization = user.Token } };
        using var refused = await run.Http.SendAsync(late, limit.Token);
        Assert.Contains(refused.StatusCode, (HttpStatusCode[])[HttpStatusCode.Unauthorized, HttpStatusCode.NotFound]);
    }

    private static IEnumerable<string> Pictures(PlatformRun run) =>
        Directory.EnumerateFiles(Path.Combine(run.DataDirectory, "objects"), "*", SearchOption.AllDirectories).Where(file => !Path.GetFileName(file).StartsWith('.'));
}
