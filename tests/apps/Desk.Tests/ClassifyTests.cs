using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Contracts;
using Contracts.Users;
using Desk.Vision;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using ServiceDefaults;

namespace Desk.Tests;

/// <summary>The judgement of a photo at an address, and who hears of it.</summary>
public sealed class ClassifyTests
{
    [Fact]
    public async Task An_answer_says_who_judged_and_the_platform_hears_of_it_once()
    {
        await using var platform = await DeskPlatform.StartAsync();

        var answer = await platform.ClassifyAsync();
        await platform.ClassifyAsync();

        // A grey square is no desk.
        Assert.False(answer.GetProperty("classify").GetBoolean());
        Assert.InRange(answer.GetProperty("confidence").GetDouble(), 0, 0.15);
        Assert.Equal("local", answer.GetProperty("provider").GetString());
        var told = platform.Dapr.Published.Where(message => message.Topic == "desk-classified").ToList();
        Assert.Equal(2, told.Count);
        Assert.Single(told.Select(message => message.Payload<JsonElement>().GetProperty("id").GetString()).Distinct());
    }

    [Fact]
    public async Task Without_a_receiver_nobody_outside_is_told()
    {
        await using var platform = await DeskPlatform.StartAsync();
        using var client = platform.ClientOf("u1");

        var answer = await AnswerAsync(client, new { image_url = platform.Receiver.PictureUrl });

        Assert.False(answer.TryGetProperty("callback_id", out _));
        Assert.NotEqual("", answer.GetProperty("request_id").GetString());
        Assert.DoesNotContain(platform.Dapr.Published, message => message.Topic == "callback-due");
    }

    [Theory]
    [InlineData("{}", 400, "IMAGE_URL_MISSING")]
    [InlineData("""{"initial_image_url":"http://10.0.0.1/a.jpg"}""", 400, "FETCH_HOST_FORBIDDEN")]
    [InlineData("""{"initial_image_url":"http://169.254.169.254/latest/meta-data"}""", 400, "FETCH_HOST_FORBIDDEN")]
    [InlineData("""{"initial_image_url":"http://2130706433/a.jpg"}""", 400, "FETCH_URL_INVALID")]
    [InlineData("""{"initial_image_url":"file:///etc/passwd"}""", 400, "FETCH_URL_INVALID")]
    [InlineData("""{"initial_image_url":"PICTURE","callback_url":"http://192.168.0.1/hook"}""", 400, "CALLBACK_URL_REFUSED")]
    [InlineData("""{"initial_image_url":"PICTURE","callback_url":"ftp://shop.example/hook"}""", 400, "CALLBACK_URL_REFUSED")]
    [InlineData("""{"initial_image_url":"PICTURE-missing"}""", 422, "FETCH_STATUS")]
    public async Task A_request_that_cannot_be_served_says_why(string body, int status, string code)
    {
        await using var platform = await DeskPlatform.StartAsync();
        using var client = platform.ClientOf("u1");

        using var response = await client.PostAsync(
            "/api/v1/desk/classify",
            new StringContent(body.Replace("PICTURE", platform.Receiver.PictureUrl, StringComparison.Ordinal), System.Text.Encoding.UTF8, "application/json"), DeskPlatform.Cancel);

        Assert.Equal((status, code), ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>(DeskPlatform.Cancel)).GetProperty("code").GetString()));
        Assert.Empty(platform.Receiver.Attempts);
    }

    [Fact]
    public async Task A_picture_that_is_cut_off_is_a_problem_and_no_crash()
    {
        await using var platform = await DeskPlatform.StartAsync();
        platform.Receiver.Picture = platform.Receiver.Picture[..40];
        using var client = platform.ClientOf("u1");

        using var response = await client.PostAsJsonAsync("/api/v1/desk/classify", new { initial_image_url = platform.Receiver.PictureUrl }, DeskPlatform.Cancel);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Fact]
    public async Task The_same_bytes_are_judged_once_a_day()
    {
        await using var platform = await DeskPlatform.StartAsync();
        await platform.ClassifyAsync("r1");
        using var client = platform.ClientOf("u1");
        var model = (await client.GetFromJsonAsync<JsonElement>("/api/v1/desk/info", DeskPlatform.Cancel)).GetProperty("models").GetProperty("classifier").GetString();
        var key = $"verdict:{model}:{Convert.ToHexStringLower(SHA256.HashData(platform.Receiver.Picture))}";
        var verdict = (await platform.Desk.GetStateAsync<DeskVerdict>(Components.StateStore, key, TandemJson.Options, DeskPlatform.Cancel))!;

        // What is kept is what is told.
        await platform.Desk.SaveStateAsync(Components.StateStore, key, verdict with { IsDesk = true }, TandemJson.Options, DeskPlatform.Cancel);

        Assert.True((await platform.ClassifyAsync("r2")).GetProperty("classify").GetBoolean());
    }

    [Fact]
    public async Task The_original_paths_answer_on_the_app_s_own_port_in_Development()
    {
        await using var platform = await DeskPlatform.StartAsync();
        using var client = platform.Direct();

        var answer = await AnswerAsync(client, new { initial_image_url = platform.Receiver.PictureUrl }, "/classify");

        Assert.False(answer.GetProperty("classify").GetBoolean());
        Assert.Equal("healthy", (await client.GetFromJsonAsync<JsonElement>("/healthcheck", DeskPlatform.Cancel)).GetProperty("status").GetString());
        Assert.StartsWith("local", (await client.GetFromJsonAsync<JsonElement>("/info", DeskPlatform.Cancel)).GetProperty("models").GetProperty("classifier").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_erased_person_s_callbacks_are_gone_and_attempts_are_not_made_any_more()
    {
        await using var platform = await DeskPlatform.StartAsync();
        platform.Receiver.Answer = (http, _) =>
        {
            http.Response.StatusCode = 503;
            return Task.CompletedTask;
        };
        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        await platform.Dapr.AdvanceUntilAsync(() => platform.Receiver.Attempts.Count == 1, cancellationToken: DeskPlatform.Cancel);
        var reported = 0;
        await platform.Dapr.StartAppAsync(Apps.Users, app => app.MapPost("/internal/users/erasures/{user}", () => Results.StatusCode(++reported < 2 ? 503 : 204)), DeskPlatform.Cancel);

        await platform.Dapr.Self.PublishAsync(
            Components.PubSub, UserTopics.UserDeleted, new UserDeleted(Guid.NewGuid(), platform.Dapr.Clock.GetUtcNow(), "u1"), TandemJson.Options, DeskPlatform.Cancel);
        await platform.Dapr.AdvanceUntilAsync(() => reported == 2, cancellationToken: DeskPlatform.Cancel);
        await platform.Dapr.AdvanceAsync(TimeSpan.FromHours(1), DeskPlatform.Cancel);

        using var client = platform.ClientOf("u1");
        using var log = await client.GetAsync($"/api/v1/desk/callbacks/{id}", DeskPlatform.Cancel);
        Assert.Equal(HttpStatusCode.NotFound, log.StatusCode);
        Assert.Single(platform.Receiver.Attempts);
    }

    [Fact]
    public async Task An_erasure_that_passes_a_callback_on_its_way_takes_it_along()
    {
        await using var platform = await DeskPlatform.StartAsync();
        await platform.Dapr.StartAppAsync(Apps.Users, app => app.MapPost("/internal/users/erasures/{user}", () => Results.NoContent()), DeskPlatform.Cancel);
        var reported = platform.Dapr.Faults.Calls(Apps.Users).When(call => call.Path.StartsWith("/internal/users/erasures/", StringComparison.Ordinal)).Do((_, proceed, _) => proceed());
        // Listed, and before its log is written the person deletes the account.
        using var write = platform.Dapr.Faults.StateWrites(app: Apps.Desk).When(attempt => attempt.Writes.Any(one => one.Key.Contains("delivery:", StringComparison.Ordinal)))
            .Do(async (_, proceed, cancellationToken) =>
            {
                await platform.Dapr.Self.PublishAsync(
                    Components.PubSub, UserTopics.UserDeleted, new UserDeleted(Guid.NewGuid(), platform.Dapr.Clock.GetUtcNow(), "u1"), TandemJson.Options, cancellationToken);
                await platform.Dapr.WaitForFaultAsync(reported, cancellationToken: cancellationToken);
                await proceed();
            });

        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        await platform.Dapr.AdvanceUntilIdleAsync(cancellationToken: DeskPlatform.Cancel);

        using var client = platform.ClientOf("u1");
        using var log = await client.GetAsync($"/api/v1/desk/callbacks/{id}", DeskPlatform.Cancel);
        Assert.Equal(HttpStatusCode.NotFound, log.StatusCode);
        Assert.Empty(platform.Receiver.Attempts);
    }

    private static async Task<JsonElement> AnswerAsync(HttpClient client, object request, string path = "/api/v1/desk/classify")
    {
        using var response = await client.PostAsJsonAsync(path, request, DeskPlatform.Cancel);
        var text = await response.Content.ReadAsStringAsync(DeskPlatform.Cancel);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }
}
