using System.Net;
using System.Text.Json;
using Contracts;
using Contracts.Users;
using Imaging;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using ModelServers;
using ModelServers.OpenAi;
using ServiceDefaults;

namespace Desk.Tests;

/// <summary>What becomes of a task when something dies, takes too long, or its owner leaves.</summary>
public sealed class TaskFaultTests
{
    /// <summary>Writes of the stored outcomes, each lost once before and once after it was made.</summary>
    public static TheoryData<string> Steps => ["downloading", "classifying", "prompting", "generating", "uploading", "searching", "locating"];

    [Theory]
    [MemberData(nameof(Steps))]
    public async Task An_outcome_whose_write_fails_or_is_not_answered_is_found_or_made_again(string step)
    {
        await using var model = await ModelServer.StartAsync(new OpenAiProtocol());
        model.Brain = _ => ModelReply.Picture(PngEncoder.Encode(new Bitmap(64, 64)));
        await using var platform = await DeskPlatform.StartWithTasksAsync(
            ("Ai:Providers:openai:BaseUrl", $"{model.Address}v1"), ("Ai:Providers:openai:Keys:0:Value", "sk-openai-0123456789abcdefghijklmnop"),
            ("Ai:Model", "local"), ("Ai:Tasks:desk-image:Standard", "openai/gpt-image-1.5"));
        platform.Dapr.Faults.StateWrites(app: Apps.Desk).When(write => write.Writes.Any(one => one.Key.EndsWith($":{step}", StringComparison.Ordinal))).FailAfterwards();

        var task = await platform.EndOfTaskAsync(await platform.BeginAsync());

        Assert.Equal("done", task.GetProperty("status").GetString());
        // The stored outcome is the one that counts: nobody draws twice.
        Assert.Single(model.Requests);
        Assert.Single(platform.Receiver.Attempts);
    }

    [Fact]
    public async Task A_sidecar_that_dies_in_the_middle_of_a_task_costs_time_only()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        var crashed = platform.Dapr.Faults.StateWrites(app: Apps.Desk).When(write => write.Writes.Any(one => one.Key.EndsWith(":prompting", StringComparison.Ordinal)))
            .Do((_, proceed, _) => proceed());
        var id = await platform.BeginAsync();
        await platform.Dapr.WaitForFaultAsync(crashed, cancellationToken: DeskPlatform.Cancel);

        await platform.Dapr.RestartAsync(crash: true, cancellationToken: DeskPlatform.Cancel);
        var task = await platform.EndOfTaskAsync(id);

        Assert.Equal("done", task.GetProperty("status").GetString());
        Assert.Single(platform.Receiver.Effects);
        Assert.Equal(2, platform.Objects.Count(key => key.StartsWith("generated/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_request_that_is_delivered_twice_is_one_task()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        var id = await platform.BeginAsync();
        await platform.EndOfTaskAsync(id);
        var message = Assert.Single(platform.Dapr.Published, message => message.Topic == "desk-requested");

        await platform.Dapr.Self.PublishAsync(Components.PubSub, "desk-requested", message.Payload<JsonElement>(), TandemJson.Options, DeskPlatform.Cancel);
        await platform.Dapr.AdvanceUntilIdleAsync(cancellationToken: DeskPlatform.Cancel);

        Assert.Single(platform.Receiver.Attempts);
    }

    [Fact]
    public async Task An_end_that_is_told_again_is_told_in_the_same_words()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        // What is left to do after the callback was accepted.
        var broken = platform.Dapr.Faults.StateWrites(app: Apps.Desk).When(write => write.Writes.Any(one => one.Key.Contains("drawn:", StringComparison.Ordinal) && one.Value is null))
            .Times(2).Fail();
        platform.Receiver.Answer = (http, _) =>
        {
            http.Response.StatusCode = 400;
            return Task.CompletedTask;
        };

        await platform.EndOfTaskAsync(await platform.BeginAsync());
        // Each delivery is given up at once, and the end that is told again begins another.
        await platform.Dapr.AdvanceUntilAsync(() => platform.Receiver.Attempts.Count == 3, cancellationToken: DeskPlatform.Cancel);
        await platform.Dapr.AdvanceUntilIdleAsync(cancellationToken: DeskPlatform.Cancel);

        Assert.Equal(2, broken.Hits);
        Assert.Equal(3, platform.Receiver.Attempts.Count);
        Assert.Single(platform.Receiver.Attempts.Select(attempt => attempt.Body).Distinct());
        Assert.Equal(3, platform.Dapr.Published.Count(message => message.Topic == "desk-completed"));
        Assert.Single(platform.Dapr.Published.Where(message => message.Topic == "desk-completed").Select(message => message.Payload<JsonElement>().GetRawText()).Distinct());
    }

    [Fact]
    public async Task A_task_past_its_deadline_is_failed_and_that_is_told()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync(("Desk:Generation:Deadline", "00:00:20"));
        // Nothing is read any more: the steps fail until there is no time left.
        using var away = platform.Dapr.Faults.Bindings(Components.Objects, "get").Always().Fail();

        var task = await platform.EndOfTaskAsync(await platform.BeginAsync());

        Assert.Equal("failed", task.GetProperty("status").GetString());
        Assert.Equal("failed", JsonElement.Parse(Assert.Single(platform.Receiver.Attempts).Body).GetProperty("data").GetProperty("status").GetString());
    }

    [Fact]
    public async Task An_erased_person_s_tasks_end_and_leave_nothing()
    {
        await using var platform = await DeskPlatform.StartWithTasksAsync();
        await platform.Dapr.StartAppAsync(Apps.Users, app => app.MapPost("/internal/users/erasures/{user}", () => Results.NoContent()), DeskPlatform.Cancel);
        var reported = platform.Dapr.Faults.Calls(Apps.Users).When(call => call.Path.StartsWith("/internal/users/erasures/", StringComparison.Ordinal)).Times(2).Do((_, proceed, _) => proceed());
        var done = await platform.BeginAsync("r1");
        await platform.EndOfTaskAsync(done);
        // This one is in the middle of its work.
        using var held = platform.Dapr.Faults.Bindings(Components.Objects, "get").Always().Fail();
        var running = await platform.BeginAsync("r2", "other");

        await platform.Dapr.Self.PublishAsync(
            Components.PubSub, UserTopics.UserDeleted, new UserDeleted(Guid.NewGuid(), platform.Dapr.Clock.GetUtcNow(), "u1"), TandemJson.Options, DeskPlatform.Cancel);
        await platform.Dapr.AdvanceUntilAsync(() => reported.Hits == 2, cancellationToken: DeskPlatform.Cancel);
        await platform.Dapr.AdvanceUntilIdleAsync(cancellationToken: DeskPlatform.Cancel);

        using var client = platform.ClientOf("u1");
        foreach (var id in new[] { done, running })
        {
            using var gone = await client.GetAsync($"/api/v1/desk/v1/tasks/{id}", DeskPlatform.Cancel);
            Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
            Assert.Null(await platform.Desk.GetStateAsync<JsonElement?>(Components.StateStore, $"result:{id}:downloading", cancellationToken: DeskPlatform.Cancel));
        }

        Assert.DoesNotContain(platform.Objects, key => key.StartsWith("generated/", StringComparison.Ordinal));
        Assert.Single(platform.Receiver.Attempts);
        var (status, body) = await platform.GenerateAsync(new { initial_image_url = platform.Receiver.PictureUrl, request_id = "r3" });
        Assert.Equal((404, "USER_NOT_FOUND"), (status, body.GetProperty("code").GetString()));
    }
}
