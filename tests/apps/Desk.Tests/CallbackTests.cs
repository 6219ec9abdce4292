using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts.Desk;
using Desk.Callbacks;
using Microsoft.AspNetCore.Http;
using ServiceDefaults;
using Sidecar.Testing;
using Webhooks;

namespace Desk.Tests;

/// <summary>What becomes of a callback, by what the receiver answers. The effect is one, whatever the number of attempts.</summary>
public sealed class CallbackTests
{
    [Fact]
    public async Task A_receiver_gets_a_signed_message_once()
    {
        await using var platform = await DeskPlatform.StartAsync();

        var answer = await platform.ClassifyAsync();
        await platform.EndOfAsync(answer.GetProperty("callback_id").GetString()!);

        var attempt = Assert.Single(platform.Receiver.Attempts);
        Assert.Equal((answer.GetProperty("callback_id").GetString(), WebhookVerdict.Genuine), (attempt.Id, attempt.Verdict));
        var body = JsonElement.Parse(attempt.Body);
        Assert.Equal("desk.classified", body.GetProperty("type").GetString());
        Assert.Equal(answer.GetProperty("classify").GetBoolean(), body.GetProperty("data").GetProperty("classify").GetBoolean());
        Assert.Equal("r1", body.GetProperty("data").GetProperty("request_id").GetString());
        Assert.Equal("delivered", (await platform.DeliveryAsync(attempt.Id)).GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_repeated_request_tells_nobody_twice()
    {
        await using var platform = await DeskPlatform.StartAsync();

        var first = await platform.ClassifyAsync();
        await platform.EndOfAsync(first.GetProperty("callback_id").GetString()!);
        var second = await platform.ClassifyAsync();
        await platform.Dapr.AdvanceUntilIdleAsync(cancellationToken: DeskPlatform.Cancel);

        Assert.Equal(first.GetProperty("callback_id").GetString(), second.GetProperty("callback_id").GetString());
        Assert.Single(platform.Receiver.Attempts);
        // Its name is the user's own: another's request of the same name is another request.
        Assert.NotEqual(first.GetProperty("callback_id").GetString(), (await platform.ClassifyAsync(user: "u2")).GetProperty("callback_id").GetString());
    }

    /// <summary>An event that comes twice may start the workflow in place of the one that has just ended.</summary>
    [Fact]
    public async Task A_workflow_that_starts_again_after_its_end_tells_nobody_twice()
    {
        await using var platform = await DeskPlatform.StartAsync();
        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        await platform.EndOfAsync(id);
        await platform.Dapr.AdvanceUntilIdleAsync(cancellationToken: DeskPlatform.Cancel);
        var message = Assert.Single(platform.Dapr.Published, message => message.Topic == DeskTopics.CallbackDue).Payload<CallbackDue>(TandemJson.Options)!;
        using var sidecar = platform.Desk.CreateClient();

        using var started = await sidecar.PostAsJsonAsync(
            $"v1.0/workflows/dapr/{nameof(CallbackWorkflow)}/start?instanceID={id}", new CallbackInput(message, [], 0), DeskPlatform.Cancel);
        Assert.Equal(HttpStatusCode.Accepted, started.StatusCode);
        await platform.Dapr.AdvanceUntilIdleAsync(cancellationToken: DeskPlatform.Cancel);

        var workflow = await sidecar.GetFromJsonAsync<JsonElement>($"v1.0/workflows/dapr/{id}", DeskPlatform.Cancel);
        Assert.Equal("COMPLETED", workflow.GetProperty("runtimeStatus").GetString());
        Assert.Single(platform.Receiver.Attempts);
        Assert.Equal("delivered", (await platform.DeliveryAsync(id)).GetProperty("state").GetString());
    }

    [Fact]
    public async Task Another_photo_under_the_same_name_is_told_as_well()
    {
        await using var platform = await DeskPlatform.StartAsync();

        var first = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        var second = (await platform.ClassifyAsync(picture: "other")).GetProperty("callback_id").GetString()!;
        await platform.EndOfAsync(first);
        await platform.EndOfAsync(second);

        Assert.Equal(2, platform.Receiver.Effects.Count);
        Assert.Equal(platform.Receiver.PictureUrlOf("other"), JsonElement.Parse(platform.Receiver.Effects[second]).GetProperty("data").GetProperty("initial_image_url").GetString());
    }

    /// <summary>Attempts that follow an answer, and how the delivery ends.</summary>
    [Theory]
    [InlineData(204, 1, "delivered")]
    [InlineData(302, 6, "dead")]
    [InlineData(307, 6, "dead")]
    [InlineData(400, 1, "dead")]
    [InlineData(401, 1, "dead")]
    [InlineData(404, 1, "dead")]
    [InlineData(408, 6, "dead")]
    [InlineData(409, 6, "dead")]
    [InlineData(410, 1, "dead")]
    [InlineData(425, 6, "dead")]
    [InlineData(429, 6, "dead")]
    [InlineData(500, 6, "dead")]
    [InlineData(502, 6, "dead")]
    public async Task Every_status_has_its_end(int status, int attempts, string state)
    {
        await using var platform = await DeskPlatform.StartAsync();
        platform.Receiver.Answer = (http, _) =>
        {
            http.Response.StatusCode = status;
            http.Response.Headers.Location = platform.Receiver.PictureUrl;
            return Task.CompletedTask;
        };

        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        await platform.EndOfAsync(id);

        var delivery = await platform.DeliveryAsync(id);
        Assert.Equal((attempts, state), (platform.Receiver.Attempts.Count, delivery.GetProperty("state").GetString()));
        Assert.All(platform.Receiver.Attempts, attempt => Assert.Equal((id, WebhookVerdict.Genuine), (attempt.Id, attempt.Verdict)));
        Assert.All(delivery.GetProperty("attempts").EnumerateArray(), attempt => Assert.Equal(status, attempt.GetProperty("status").GetInt32()));
        Assert.Equal(state == "dead", await LetterAsync(platform, id) is not null);
    }

    [Fact]
    public async Task Three_failures_then_success_is_one_effect_after_the_ladder_s_waits()
    {
        await using var platform = await DeskPlatform.StartAsync();
        platform.Receiver.Answer = (http, attempt) =>
        {
            http.Response.StatusCode = attempt <= 3 ? 500 : 200;
            return Task.CompletedTask;
        };

        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        var passed = await platform.EndOfAsync(id);

        Assert.Equal(4, platform.Receiver.Attempts.Count);
        Assert.Single(platform.Receiver.Effects);
        // 1, 5 and 30 s with a jitter of a tenth.
        Assert.InRange(passed.TotalSeconds, 36 * 0.9, 36 * 1.1);
    }

    [Theory]
    [InlineData(90, 90)]
    [InlineData(100_000, 3600)]
    public async Task A_wish_for_a_later_attempt_is_granted_up_to_an_hour(int wish, int waited)
    {
        await using var platform = await DeskPlatform.StartAsync();
        platform.Receiver.Answer = (http, attempt) =>
        {
            http.Response.StatusCode = attempt == 1 ? 429 : 200;
            http.Response.Headers.RetryAfter = $"{wish}";
            return Task.CompletedTask;
        };

        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;

        Assert.Equal(waited, (await platform.EndOfAsync(id)).TotalSeconds, 1.0);
        Assert.Equal(2, platform.Receiver.Attempts.Count);
    }

    [Fact]
    public async Task A_connection_that_is_cut_after_the_effect_is_one_effect()
    {
        await using var platform = await DeskPlatform.StartAsync();
        platform.Receiver.Answer = (http, attempt) =>
        {
            if (attempt == 1)
            {
                platform.Receiver.Effects.TryAdd(http.Request.Headers[WebhookHeaders.Id]!, "");
                http.Abort();
            }

            return Task.CompletedTask;
        };

        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        await platform.EndOfAsync(id);

        Assert.Equal(2, platform.Receiver.Attempts.Count);
        Assert.Single(platform.Receiver.Effects);
        Assert.Equal("FETCH_BROKEN", (await platform.DeliveryAsync(id)).GetProperty("attempts")[0].GetProperty("failure").GetString());
    }

    [Fact]
    public async Task A_receiver_that_does_not_answer_costs_ten_seconds_and_gets_it_again()
    {
        await using var platform = await DeskPlatform.StartAsync();
        var silent = new TaskCompletionSource();
        platform.Receiver.Answer = (http, attempt) =>
        {
            silent.TrySetResult();
            return attempt == 1 ? Task.Delay(Timeout.Infinite, http.RequestAborted) : Task.CompletedTask;
        };

        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        await silent.Task.WaitAsync(DeskPlatform.Cancel);
        platform.Dapr.Clock.Advance(TimeSpan.FromSeconds(10));
        await platform.EndOfAsync(id);

        Assert.Equal(2, platform.Receiver.Attempts.Count);
        Assert.Single(platform.Receiver.Effects);
    }

    [Fact]
    public async Task A_receiver_that_is_gone_gets_nothing_until_somebody_replays()
    {
        await using var platform = await DeskPlatform.StartAsync();
        platform.Receiver.Answer = (http, attempt) =>
        {
            http.Response.StatusCode = attempt == 1 ? 410 : 200;
            return Task.CompletedTask;
        };
        await platform.EndOfAsync((await platform.ClassifyAsync("r1")).GetProperty("callback_id").GetString()!);

        var id = (await platform.ClassifyAsync("r2")).GetProperty("callback_id").GetString()!;
        await platform.EndOfAsync(id);
        Assert.Single(platform.Receiver.Attempts);
        Assert.Equal("dead", (await platform.DeliveryAsync(id)).GetProperty("state").GetString());

        // As `daprw dead replay` does: the payload again, on its topic, under its id.
        var letter = (await LetterAsync(platform, id))!;
        await platform.Desk.PublishAsync(
            letter.Component!, letter.Topic, letter.Payload.Deserialize<CallbackDue>(TandemJson.Options)!, TandemJson.Options, DeskPlatform.Cancel);
        await platform.EndOfAsync(id);

        Assert.Equal(id, platform.Receiver.Attempts.Last().Id);
        Assert.Equal("delivered", (await platform.DeliveryAsync(id)).GetProperty("state").GetString());
    }

    [Fact]
    public async Task Deaths_of_app_and_sidecar_between_attempts_lose_nothing()
    {
        await using var platform = await DeskPlatform.StartAsync();
        platform.Receiver.Answer = (http, attempt) =>
        {
            http.Response.StatusCode = attempt <= 2 ? 503 : 200;
            return Task.CompletedTask;
        };
        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        await platform.Dapr.AdvanceUntilAsync(() => platform.Receiver.Attempts.Count == 1, cancellationToken: DeskPlatform.Cancel);

        await platform.Dapr.RestartAsync(crash: true, cancellationToken: DeskPlatform.Cancel);
        // The app's worker waits by the clock before it connects again; that takes real time, in which an hour of clock must not pass.
        var connected = platform.Desk.WorkerReadyAsync(cancellationToken: DeskPlatform.Cancel);
        await NaverPlatform.PassUntilAsync(platform.Dapr.Clock, connected);
        await connected;
        await platform.EndOfAsync(id);

        Assert.Single(platform.Receiver.Effects);
    }

    [Fact]
    public async Task A_rotated_secret_signs_beside_the_old_one()
    {
        var older = WebhookSecret.Generate();
        await using var platform = await DeskPlatform.StartAsync(older);

        await platform.EndOfAsync((await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!);

        var attempt = Assert.Single(platform.Receiver.Attempts);
        Assert.Equal(WebhookVerdict.Genuine, attempt.Verdict);
        Assert.Equal(2, attempt.Headers[WebhookHeaders.Signature].Split(' ').Length);
    }

    [Fact]
    public async Task The_original_format_is_the_data_with_the_original_headers()
    {
        await using var platform = await DeskPlatform.StartAsync(null, ("Desk:Callbacks:Format", "Original"));

        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        await platform.EndOfAsync(id);

        var attempt = Assert.Single(platform.Receiver.Attempts);
        Assert.Equal(platform.Receiver.PictureUrl, JsonElement.Parse(attempt.Body).GetProperty("initial_image_url").GetString());
        Assert.Equal(id, attempt.Headers[OriginalSignature.IdHeader]);
        Assert.Matches("^t=[0-9]+,v1=[0-9a-f]{64}$", attempt.Headers[OriginalSignature.Header]);
    }

    [Fact]
    public async Task Without_a_secret_nothing_is_sent_and_nothing_lost()
    {
        await using var platform = await DeskPlatform.StartAsync(null, ("Desk:Callbacks:Secret", "not-there"));

        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        await platform.Dapr.AdvanceAsync(TimeSpan.FromHours(1), DeskPlatform.Cancel);

        Assert.Empty(platform.Receiver.Attempts);
        Assert.Equal("pending", (await platform.DeliveryAsync(id)).GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_secret_that_stays_away_is_a_dead_letter_in_the_end()
    {
        await using var platform = await DeskPlatform.StartAsync(null, ("Desk:Callbacks:Secret", "not-there"), ("Desk:Callbacks:OwnRetryTimeout", "00:30:00"));

        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        var passed = await platform.EndOfAsync(id);

        Assert.InRange(passed, TimeSpan.FromMinutes(25), TimeSpan.FromMinutes(36));
        Assert.Empty(platform.Receiver.Attempts);
        Assert.Equal("dead", (await platform.DeliveryAsync(id)).GetProperty("state").GetString());
        Assert.NotNull(await LetterAsync(platform, id));
    }

    [Fact]
    public async Task The_log_is_its_owner_s()
    {
        await using var platform = await DeskPlatform.StartAsync();
        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;

        using var other = platform.ClientOf("u2");
        using var response = await other.GetAsync($"/api/v1/desk/callbacks/{id}", DeskPlatform.Cancel);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    private static Task<DeadLetter?> LetterAsync(DeskPlatform platform, string id) => platform.Desk.GetStateAsync<DeadLetter>(
        "statestore", DeadLetterStore.Key(DeskTopics.CallbackDue, id), TandemJson.Options, DeskPlatform.Cancel);
}
