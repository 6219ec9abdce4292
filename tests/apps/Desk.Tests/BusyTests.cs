using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Desk.Tests;

/// <summary>More pictures at a time than desk has memory for.</summary>
public sealed class BusyTests
{
    [Fact]
    public async Task Pictures_that_find_the_line_full_are_refused_and_the_others_judged()
    {
        await using var platform = await DeskPlatform.StartAsync(null, ("Desk:DecodeConcurrency", "1"), ("Desk:DecodeQueue", "2"));
        // Small to fetch, and some tenths of a second to decode: all of them arrive while the first is at it.
        platform.Receiver.Picture = Pictures.FlatProgressiveJpeg(4000, 3000);

        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => AskAsync(platform)));

        Assert.All(answers, answer => Assert.True(
            answer is { Status: HttpStatusCode.OK } or { Status: HttpStatusCode.ServiceUnavailable, Code: "SYSTEM_BUSY", RetryAfter: "2" }, $"{answer}"));
        Assert.InRange(answers.Count(answer => answer.Status == HttpStatusCode.OK), 3, 23);

        platform.Receiver.Picture = Pictures.FlatJpeg(64, 64);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(platform)).Status);
    }

    private static async Task<(HttpStatusCode Status, string? Code, string? RetryAfter)> AskAsync(DeskPlatform platform)
    {
        using var client = platform.ClientOf("u1");
        using var response = await client.PostAsJsonAsync("/api/v1/desk/classify", new { initial_image_url = platform.Receiver.PictureUrl, auto_generate = false }, DeskPlatform.Cancel);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(DeskPlatform.Cancel);
        return (response.StatusCode, answer.TryGetProperty("code", out var code) ? code.GetString() : null, response.Headers.RetryAfter?.ToString());
    }
}
