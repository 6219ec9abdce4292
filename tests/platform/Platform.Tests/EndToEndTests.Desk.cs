using System.Net;
using System.Text.Json;
using Imaging;
using Webhooks;

namespace Platform.Tests;

/// <summary>Desks from a photo to a signed callback.</summary>
public abstract partial class EndToEndTests
{
    [Fact]
    public async Task A_desk_is_restyled_step_by_step_and_told_once()
    {
        await using var receiver = await CallbackReceiver.StartAsync(_run);
        var (user, image) = await ReadyUserAsync();
        var request = new { initial_image_url = image, request_id = "order-1", callback_url = receiver.Hook(Manner.Takes, 1) };

        var task = (await user.PostAsync("/api/v1/desk/v1/generate", request, _limit.Token)).GetProperty("task_id").GetGuid();
        Assert.Equal(task, (await user.PostAsync("/api/v1/desk/v1/generate", request, _limit.Token)).GetProperty("task_id").GetGuid());
        var stream = await DeskTasks.FollowAsync(user, task, _limit.Token);
        var view = await user.GetAsync($"/api/v1/desk/v1/tasks/{task}", _limit.Token);
        var attempt = Assert.Single(await DeskTasks.DeliveredAsync(receiver, user, 1, _limit.Token));

        // The products are searched for while their things are looked for.
        var told = stream.Events.Select(seen => $"{seen.Stage}.{seen.Status}").ToArray();
        Assert.Equal(
            ["queued.started", "downloading.started", "downloading.completed", "classifying.started", "classifying.completed", "prompting.started", "prompting.completed",
                "generating.started", "generating.completed", "uploading.started", "uploading.completed"], told[..11]);
        Assert.Equal(["locating.completed", "locating.started", "searching.completed", "searching.started"], told[11..15].Order());
        Assert.Equal(["notifying.started", "done.completed"], told[15..]);
        Assert.Equal("done", view.GetProperty("status").GetString());
        Assert.Equal(WebhookVerdict.Genuine, attempt.Verdict);
        Assert.Equal($"{CallbackHistory.MessageOf(task)}", attempt.Id);
        var message = JsonElement.Parse(attempt.Body);
        Assert.Equal("desk.completed", message.GetProperty("type").GetString());
        var data = message.GetProperty("data");
        Assert.Equal(("order-1", task, "success"), (data.GetProperty("request_id").GetString(), data.GetProperty("task_id").GetGuid(), data.GetProperty("status").GetString()));
        var products = data.GetProperty("products").EnumerateArray().ToArray();
        // Of the three things one is found in the picture.
        var placed = products.Where(product => product.GetProperty("center_x").ValueKind == JsonValueKind.Number).ToArray();
        Assert.True(placed.Length > 0 && placed.Length < products.Length);
        Assert.All(placed, product => Assert.Equal((120, 80), (product.GetProperty("center_x").GetInt32(), product.GetProperty("center_y").GetInt32())));
        Assert.NotEmpty(view.GetProperty("result").GetProperty("products").EnumerateArray());

        // Who receives a callback has no token.
        var made = data.GetProperty("processed_image_url").GetString();
        Assert.Equal(made, view.GetProperty("result").GetProperty("processed_image_url").GetString());
        using var picture = await _run.Http.GetAsync(made, _limit.Token);
        Assert.Equal((HttpStatusCode.OK, "image/jpeg"), (picture.StatusCode, picture.Content.Headers.ContentType?.MediaType));
        var bitmap = ImageDecoder.Decode(await picture.Content.ReadAsByteArrayAsync(_limit.Token));
        Assert.Equal((1024, 1024), (bitmap.Width, bitmap.Height));
    }

    [Fact]
    public async Task A_photo_of_a_desk_is_judged_and_then_restyled_and_both_are_told()
    {
        await using var receiver = await CallbackReceiver.StartAsync(_run);
        var (user, image) = await ReadyUserAsync();

        var answer = await user.PostAsync(
            "/api/v1/desk/classify", new { initial_image_url = image, request_id = "order-2", callback_url = receiver.Hook(Manner.Takes, 2) }, _limit.Token);
        var task = answer.GetProperty("job_id").GetGuid();
        var attempts = await DeskTasks.DeliveredAsync(receiver, user, 2, _limit.Token);

        Assert.True(answer.GetProperty("classify").GetBoolean());
        Assert.Equal("completed", (await DeskTasks.FollowAsync(user, task, _limit.Token)).Terminal);
        Assert.All(attempts, attempt => Assert.Equal(WebhookVerdict.Genuine, attempt.Verdict));
        Assert.Equal([answer.GetProperty("callback_id").GetString()!, $"{CallbackHistory.MessageOf(task)}"], attempts.Select(attempt => attempt.Id));
        var told = attempts.Select(attempt => JsonElement.Parse(attempt.Body)).ToArray();
        Assert.Equal(["desk.classified", "desk.completed"], told.Select(message => message.GetProperty("type").GetString()));
        Assert.True(told[0].GetProperty("data").GetProperty("classify").GetBoolean());
        Assert.Equal(("success", task), (told[1].GetProperty("data").GetProperty("status").GetString(), told[1].GetProperty("data").GetProperty("task_id").GetGuid()));
    }
}
