using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts;
using Imaging;
using Microsoft.AspNetCore.Http;
using Webhooks;

namespace Desk.Tests;

/// <summary>A desk is restyled, by the local provider: what clients, receivers and the platform see.</summary>
public sealed class GenerateTests
{
    private static readonly string[] Steps = ["downloading", "classifying", "prompting", "generating", "uploading", "searching", "locating"];

    [Fact]
    public async Task A_task_ends_with_a_picture_products_and_a_callback()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        platform.Receiver.Picture = JpegEncoder.Encode(Pictures.Workplace());

        var id = await platform.BeginAsync();
        var task = await platform.EndOfTaskAsync(id);

        Assert.Equal("done", task.GetProperty("status").GetString());
        Assert.Equal(Steps.Order(), task.GetProperty("step_times").EnumerateObject().Select(step => step.Name).Order());
        var result = task.GetProperty("result");
        Assert.Equal("local", result.GetProperty("image_model").GetString());
        Assert.All(result.GetProperty("products").EnumerateArray(), group => Assert.NotEmpty(group.GetProperty("details").EnumerateArray()));
        Assert.Equal(1024, result.GetProperty("coord_space").GetInt32());
        // Both pictures are there: squares that anybody can read who has the address.
        Assert.Equal(2, platform.Objects.Count(key => key.StartsWith("generated/", StringComparison.Ordinal)));
        Assert.Contains("/api/v1/images/generated/", result.GetProperty("processed_image_url").GetString(), StringComparison.Ordinal);
        Assert.NotEqual(result.GetProperty("before_image_url").GetString(), result.GetProperty("processed_image_url").GetString());

        var attempt = Assert.Single(platform.Receiver.Attempts);
        Assert.Equal(WebhookVerdict.Genuine, attempt.Verdict);
        var body = JsonElement.Parse(attempt.Body);
        Assert.Equal("desk.completed", body.GetProperty("type").GetString());
        var told = body.GetProperty("data");
        Assert.Equal(("r1", id, "success"), (told.GetProperty("request_id").GetString(), told.GetProperty("task_id").GetString(), told.GetProperty("status").GetString()));
        Assert.Equal(result.GetProperty("processed_image_url").GetString(), told.GetProperty("processed_image_url").GetString());
        var product = told.GetProperty("products")[0];
        Assert.Equal(JsonValueKind.Number, product.GetProperty("price").ValueKind);
        // The local provider cannot tell where things stand, and says so.
        Assert.Equal(JsonValueKind.Null, product.GetProperty("center_x").ValueKind);
        var published = Assert.Single(platform.Dapr.Published, message => message.Topic == "desk-completed").Payload<JsonElement>();
        Assert.Equal(id, published.GetProperty("task_id").GetString());
        // What was drawn is with images now.
        Assert.Null(await platform.Desk.GetStateAsync<JsonElement?>(Components.StateStore, $"drawn:{id}", cancellationToken: DeskPlatform.Cancel));
    }

    [Fact]
    public async Task A_photo_without_a_desk_is_rejected_and_that_is_told()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync(("Desk:LocalThreshold", "0.9"));

        var task = await platform.EndOfTaskAsync(await platform.BeginAsync());

        Assert.Equal(("rejected", "NOT_A_DESK"), (task.GetProperty("status").GetString(), task.GetProperty("error").GetProperty("code").GetString()));
        var told = JsonElement.Parse(Assert.Single(platform.Receiver.Attempts).Body).GetProperty("data");
        Assert.Equal("failed", told.GetProperty("status").GetString());
        // Not left out: the original receivers read them.
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (told.GetProperty("processed_image_url").ValueKind, told.GetProperty("products").ValueKind));
        Assert.Equal("NOT_A_DESK", told.GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Whoever_waits_gets_the_result_or_why_there_is_none()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        var waiting = platform.GenerateAsync(new { image_url = platform.Receiver.PictureUrl }, path: "/api/v1/desk/v1/generate?wait=true");
        await platform.Dapr.AdvanceUntilAsync(() => waiting.IsCompleted, cancellationToken: DeskPlatform.Cancel);

        var (status, body) = await waiting;

        Assert.Equal(200, status);
        Assert.Equal(platform.Receiver.PictureUrl, body.GetProperty("initial_image_url").GetString());
        Assert.Equal(JsonValueKind.Array, body.GetProperty("products")[0].GetProperty("details").ValueKind);

        await using var strict = await DeskPlatform.StartWithTasksAsync(("Desk:LocalThreshold", "0.9"));
        waiting = strict.GenerateAsync(new { image_url = strict.Receiver.PictureUrl }, path: "/api/v1/desk/v1/generate?wait=true");
        await strict.Dapr.AdvanceUntilAsync(() => waiting.IsCompleted, cancellationToken: DeskPlatform.Cancel);
        Assert.Equal((422, "NOT_A_DESK"), ((await waiting).Status, (await waiting).Body.GetProperty("code").GetString()));
    }

    [Theory]
    [InlineData("{}", 400, "IMAGE_URL_MISSING")]
    [InlineData("""{"initial_image_url":"http://10.0.0.1/a.jpg"}""", 400, "FETCH_HOST_FORBIDDEN")]
    [InlineData("""{"initial_image_url":"http://2130706433/a.jpg"}""", 400, "FETCH_URL_INVALID")]
    [InlineData("""{"initial_image_url":"PICTURE","callback_url":"http://192.168.0.1/hook"}""", 400, "CALLBACK_URL_REFUSED")]
    [InlineData("""{"initial_image_url":"PICTURE","concept":"BAROQUE"}""", 400, "CONCEPT_UNKNOWN")]
    [InlineData("""{"initial_image_url":"PICTURE","categories":[""]}""", 400, "VALIDATION_FAILED")]
    [InlineData("""{"initial_image_url":"PICTURE","products_format":"table"}""", 400, "VALIDATION_FAILED")]
    public async Task A_request_that_cannot_be_served_says_why(string body, int status, string code)
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        using var client = platform.ClientOf("u1");

        using var response = await client.PostAsync(
            "/api/v1/desk/v1/generate",
            new StringContent(body.Replace("PICTURE", platform.Receiver.PictureUrl, StringComparison.Ordinal), System.Text.Encoding.UTF8, "application/json"), DeskPlatform.Cancel);

        Assert.Equal((status, code), ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>(DeskPlatform.Cancel)).GetProperty("code").GetString()));
    }

    [Fact]
    public async Task The_same_name_is_the_same_task_and_another_request_under_it_is_refused()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();

        var id = await platform.BeginAsync();
        Assert.Equal(id, await platform.BeginAsync());
        await platform.EndOfTaskAsync(id);
        Assert.Equal(id, await platform.BeginAsync());
        await platform.Dapr.AdvanceUntilIdleAsync(cancellationToken: DeskPlatform.Cancel);

        Assert.Single(platform.Receiver.Attempts);
        var (status, body) = await platform.GenerateAsync(new { initial_image_url = platform.Receiver.PictureUrlOf("other"), request_id = "r1" });
        Assert.Equal((422, "IDEMPOTENCY_KEY_REUSED"), (status, body.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Another_request_under_the_name_of_a_task_takes_nothing_from_it()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync(("Desk:Generation:TasksPerDay", "1"));
        var id = await platform.BeginAsync("r1");

        Assert.Equal(422, (await platform.GenerateAsync(new { initial_image_url = platform.Receiver.PictureUrl, concept = "OIL", request_id = "r1" })).Status);

        // It still is the task of the day.
        await platform.EndOfTaskAsync(id);
        var (status, body) = await platform.GenerateAsync(new { initial_image_url = platform.Receiver.PictureUrl, request_id = "r2" });
        Assert.Equal((429, "QUOTA_ALREADY_USED"), (status, body.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task A_request_that_could_not_be_published_is_no_task_that_anybody_waits_for()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        platform.Dapr.Faults.Publishes("desk-requested").Times(100).Fail();

        var asking = platform.GenerateAsync(new { initial_image_url = platform.Receiver.PictureUrl });
        await platform.Dapr.AdvanceUntilAsync(() => asking.IsCompleted, cancellationToken: DeskPlatform.Cancel);
        Assert.InRange((await asking).Status, 500, 599);
        platform.Dapr.Faults.Clear();

        // Neither the photo nor the day is held by it.
        await platform.BeginAsync();
    }

    [Fact]
    public async Task A_photo_is_worked_on_once_at_a_time()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        // It is in the middle of its work for as long as nothing can be read.
        using var held = platform.Dapr.Faults.Bindings(Components.Objects, "get").Always().Fail();
        var id = await platform.BeginAsync("r1");

        var (status, body) = await platform.GenerateAsync(new { initial_image_url = platform.Receiver.PictureUrl, request_id = "r2" });
        Assert.Equal((409, "TASK_IN_PROGRESS"), (status, body.GetProperty("code").GetString()));
        Assert.Contains(id, body.GetProperty("detail").GetString(), StringComparison.Ordinal);
        // Another's photo is another's.
        await platform.BeginAsync("r1", user: "u2");

        held.Dispose();
        await platform.EndOfTaskAsync(id);
        await platform.BeginAsync("r2");
    }

    [Fact]
    public async Task A_day_has_its_tasks_those_that_fail_not_counted_and_begins_at_midnight_in_Korea()
    {
        // 14:59 UTC is 23:59 in Korea.
        await using var platform = await DeskPlatform.StartWithTasksAsync(
            new DateTimeOffset(2026, 1, 1, 14, 59, 0, TimeSpan.Zero), ("Desk:Generation:TasksPerDay", "2"));
        Assert.Equal("done", (await platform.EndOfTaskAsync(await platform.BeginAsync("r1", "desk1"))).GetProperty("status").GetString());
        // A picture that cannot be read fails its task.
        var picture = platform.Receiver.Picture;
        platform.Receiver.Picture = picture[..40];
        Assert.Equal("failed", (await platform.EndOfTaskAsync(await platform.BeginAsync("broken", "broken"))).GetProperty("status").GetString());
        platform.Receiver.Picture = picture;
        await platform.BeginAsync("r2", "desk2");

        using var client = platform.ClientOf("u1");
        using var refused = await client.PostAsJsonAsync(
            "/api/v1/desk/v1/generate", new { initial_image_url = platform.Receiver.PictureUrlOf("desk3"), request_id = "r3" }, DeskPlatform.Cancel);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("QUOTA_ALREADY_USED", (await refused.Content.ReadFromJsonAsync<JsonElement>(DeskPlatform.Cancel)).GetProperty("code").GetString());
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        // What was accepted is found again, and others have their own day.
        await platform.BeginAsync("r2", "desk2");
        await platform.BeginAsync("r3", "desk3", user: "u2");

        await platform.Dapr.AdvanceAsync(refused.Headers.RetryAfter.Delta.Value, DeskPlatform.Cancel);
        await platform.BeginAsync("r3", "desk3");
    }

    [Fact]
    public async Task The_task_is_its_owner_s()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        var id = await platform.BeginAsync();

        using var other = platform.ClientOf("u2");
        using var response = await other.GetAsync($"/api/v1/desk/v1/tasks/{id}", DeskPlatform.Cancel);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        await platform.EndOfTaskAsync(id);
        var flat = (await platform.TaskAsync(id, query: "?products_format=flat")).GetProperty("result").GetProperty("products")[0];
        Assert.NotEqual("", flat.GetProperty("product_code").GetString());
    }

    [Fact]
    public async Task A_judged_desk_is_restyled_as_well_unless_the_caller_does_not_want_it()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();

        var answer = await platform.ClassifyAsync();
        var id = answer.GetProperty("job_id").GetString()!;
        Assert.Equal(id, (await platform.ClassifyAsync()).GetProperty("job_id").GetString());
        var task = await platform.EndOfTaskAsync(id);

        Assert.Equal("done", task.GetProperty("status").GetString());
        // Somebody has looked: the step is left out.
        Assert.False(task.GetProperty("step_times").TryGetProperty("classifying", out _));
        Assert.Equal(["desk.classified", "desk.completed"], platform.Receiver.Attempts.Select(attempt => JsonElement.Parse(attempt.Body).GetProperty("type").GetString()));
        // Both under the caller's name.
        Assert.All(platform.Receiver.Attempts, attempt => Assert.Equal("r1", JsonElement.Parse(attempt.Body).GetProperty("data").GetProperty("request_id").GetString()));

        using var client = platform.ClientOf("u1");
        using var only = await client.PostAsJsonAsync(
            "/api/v1/desk/classify", new { initial_image_url = platform.Receiver.PictureUrlOf("other"), auto_generate = false }, DeskPlatform.Cancel);
        Assert.False((await only.Content.ReadFromJsonAsync<JsonElement>(DeskPlatform.Cancel)).TryGetProperty("job_id", out _));
    }

    [Fact]
    public async Task A_judged_desk_that_cannot_be_restyled_says_so()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync(("Desk:Generation:TasksPerDay", "1"));
        await platform.ClassifyAsync("r1");

        var answer = await platform.ClassifyAsync("r2", picture: "other");

        Assert.True(answer.GetProperty("classify").GetBoolean());
        Assert.Equal("QUOTA_ALREADY_USED", answer.GetProperty("job_refused").GetString());
    }

    [Fact]
    public async Task A_result_goes_to_an_output_binding_in_the_shape_of_the_original_stream()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync(
            ("Desk:Generation:OutputBinding", "stream"), ("Desk:Generation:OutputMetadata:fileName", "completed-{request_id}.json"));

        await platform.EndOfTaskAsync(await platform.BeginAsync());

        var entry = JsonElement.Parse(await File.ReadAllTextAsync(platform.PathOf("completed-r1.json"), DeskPlatform.Cancel));
        Assert.Equal(platform.Receiver.PictureUrl, entry.GetProperty("initial_image_url").GetString());
        Assert.Equal(JsonValueKind.Array, JsonElement.Parse(entry.GetProperty("products").GetString()!).ValueKind);
    }

    [Fact]
    public async Task Results_without_an_address_of_their_own_go_where_the_configuration_says()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        await using var configured = await DeskPlatform.StartWithTasksAsync(("Desk:Generation:ResultUrl", platform.Receiver.Url));

        var (_, body) = await configured.GenerateAsync(new { initial_image_url = configured.Receiver.PictureUrl, products_format = "grouped" });
        await configured.EndOfTaskAsync(body.GetProperty("task_id").GetString()!);

        // Signed with the other platform's secret, so only its content is looked at.
        var told = JsonElement.Parse(Assert.Single(platform.Receiver.Attempts).Body).GetProperty("data");
        Assert.Equal(JsonValueKind.Array, told.GetProperty("products")[0].GetProperty("details").ValueKind);
    }

    [Fact]
    public async Task The_words_alone_can_be_asked_for()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();

        var (status, body) = await platform.GenerateAsync(new { image_url = platform.Receiver.PictureUrl, concept = "oil" }, path: "/api/v1/desk/v1/prompt");

        Assert.Equal(200, status);
        Assert.Equal(5, body.GetProperty("keywords").GetArrayLength());
        Assert.EndsWith("rich colours.", body.GetProperty("prompt").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_2_is_not_there_without_a_model_server()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();

        var (status, body) = await platform.GenerateAsync(new { initial_image_url = platform.Receiver.PictureUrl }, path: "/api/v1/desk/v2/generate");

        Assert.Equal((501, "NOT_IMPLEMENTED"), (status, body.GetProperty("code").GetString()));
    }

    [Theory]
    [InlineData("/v1/generate")]
    [InlineData("/generated/v1")]
    public async Task The_original_paths_answer_in_Development(string path)
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        using var client = platform.Direct();

        using var response = await client.PostAsJsonAsync(path, new { image_url = platform.Receiver.PictureUrl }, DeskPlatform.Cancel);
        var id = (await response.Content.ReadFromJsonAsync<JsonElement>(DeskPlatform.Cancel)).GetProperty("task_id").GetString();

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal(id, (await client.GetFromJsonAsync<JsonElement>($"/v1/tasks/{id}", DeskPlatform.Cancel)).GetProperty("task_id").GetString());
    }

    [Fact]
    public async Task Info_tells_models_settings_and_the_queue()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        var held = platform.Dapr.Faults.Bindings("objects", "get").Always().Do((_, _, cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken));
        await platform.BeginAsync();
        using var client = platform.ClientOf("u1");

        // The answer leaves the queue out when event-router does not tell it within a second.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(DeskPlatform.Cancel);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        JsonElement info;
        do
        {
            info = await client.GetFromJsonAsync<JsonElement>("/api/v1/desk/info", patience.Token);
        }
        while (!info.TryGetProperty("queue", out _));

        Assert.Equal(1, info.GetProperty("queue").GetProperty("depth").GetInt32());
        Assert.Equal((1024, "samples"), (info.GetProperty("image_size").GetInt32(), info.GetProperty("products").GetString()));
        held.Dispose();
    }

    [Fact]
    public async Task Photos_are_fetched_when_it_is_their_turn()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync(("Desk:Generation:DownloadConcurrency", "1"));
        await using var server = new RawServer();
        var photo = JpegEncoder.Encode(Pictures.Workplace());
        var (open, most, go) = (0, 0, new TaskCompletionSource());
        server.Say = async (stream, cancellationToken) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref open));
            await go.Task.WaitAsync(cancellationToken);
            // Before it is sent: the next one may be asked for as soon as it has been read.
            Interlocked.Decrement(ref open);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray(), cancellationToken);
            await stream.WriteAsync(photo, cancellationToken);
        };

        var ids = new List<string>();
        foreach (var name in new[] { "a", "b", "c" })
        {
            ids.Add((await platform.GenerateAsync(new { initial_image_url = $"{server.Url}?{name}" })).Body.GetProperty("task_id").GetString()!);
        }

        foreach (var id in ids)
        {
            while ((await platform.TaskAsync(id)).GetProperty("status").GetString() == "queued")
            {
                await Task.Delay(20, DeskPlatform.Cancel);
            }
        }

        go.SetResult();
        foreach (var id in ids)
        {
            Assert.Equal("done", (await platform.EndOfTaskAsync(id)).GetProperty("status").GetString());
        }

        Assert.Equal(1, most);
    }
}
