using System.Net;
using System.Text;
using System.Text.Json;
using TestKit;
using Webhooks;

namespace Desk.Tests;

/// <summary>The sample of a receiver, started for real: what is genuine has one effect, whatever else comes has none.</summary>
public sealed class ReceiverSampleTests : IDisposable
{
    private const string Id = "0197a1b2-c3d4-5e5f-8a9b-0c1d2e3f4a5b";

    private static readonly byte[] Classified = Encoding.UTF8.GetBytes(
        """{"type":"desk.classified","timestamp":"2026-11-22T04:00:00Z","data":{"initial_image_url":"https://a.example/b.jpg","classify":true,"request_id":"r1","confidence":0.62,"unsure":false,"provider":"local"}}""");

    private readonly TempDirectory _folder = new();
    private readonly WebhookSecret _secret = WebhookSecret.Generate();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_is_genuine_is_taken_once_however_often_it_comes()
    {
        await using (var receiver = await ReceiverProcess.StartAsync(_folder, _secret))
        {
            Assert.Equal(HttpStatusCode.NoContent, await PostAsync(receiver, Classified));
            Assert.Equal("r1", Assert.Single(await receiver.InboxAsync()).GetProperty("data").GetProperty("request_id").GetString());

            // Another attempt has a time and a signature of its own.
            Assert.Equal(HttpStatusCode.NoContent, await PostAsync(receiver, Classified, at: Now.AddSeconds(5)));
            Assert.Single(await receiver.InboxAsync());
            // Another message is another one, even with the same content.
            Assert.All(
                await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => PostAsync(receiver, Classified, id: "another"))), status => Assert.Equal(HttpStatusCode.NoContent, status));
            Assert.Equal(2, (await receiver.InboxAsync()).Length);
        }

        await using var again = await ReceiverProcess.StartAsync(_folder, _secret);
        Assert.Equal(HttpStatusCode.NoContent, await PostAsync(again, Classified));
        Assert.Equal(2, (await again.InboxAsync()).Length);
    }

    [Fact]
    public async Task An_id_is_forgotten_after_a_day()
    {
        await using var receiver = await ReceiverProcess.StartAsync(_folder, _secret);
        await PostAsync(receiver, Classified);
        var file = Assert.Single(Directory.GetFiles(Path.Combine(_folder.Path, "inbox")));

        File.SetLastWriteTimeUtc(file, (Now - TimeSpan.FromHours(23)).UtcDateTime);
        await PostAsync(receiver, Classified, id: "a day later but one hour");
        Assert.Equal(2, (await receiver.InboxAsync()).Length);

        File.SetLastWriteTimeUtc(file, (Now - TimeSpan.FromHours(25)).UtcDateTime);
        await PostAsync(receiver, Classified, id: "a day and an hour later");
        Assert.Equal((2, false), ((await receiver.InboxAsync()).Length, File.Exists(file)));
    }

    [Fact]
    public async Task What_is_forged_stale_or_no_message_has_no_effect()
    {
        await using var receiver = await ReceiverProcess.StartAsync(_folder, _secret);
        var now = Now;
        var (timestamp, signature) = (WebhookSignature.Text(now), WebhookSignature.Sign(Id, now, Classified, _secret));
        byte[] changed = [.. Classified[..^3], (byte)' ', .. Classified[^3..]];

        Assert.Equal(HttpStatusCode.Unauthorized, await receiver.PostAsync(Id, timestamp, signature, changed));
        Assert.Equal(HttpStatusCode.Unauthorized, await receiver.PostAsync("another", timestamp, signature, Classified));
        Assert.Equal(HttpStatusCode.Unauthorized, await receiver.PostAsync(Id, WebhookSignature.Text(now.AddSeconds(-1)), signature, Classified));
        Assert.Equal(HttpStatusCode.Unauthorized, await receiver.PostAsync(Id, timestamp, WebhookSignature.Sign(Id, now, Classified, WebhookSecret.Generate()), Classified));
        Assert.Equal(HttpStatusCode.Unauthorized, await receiver.PostAsync(Id, timestamp, "v1,", Classified));
        Assert.Equal(HttpStatusCode.BadRequest, await receiver.PostAsync(null, timestamp, signature, Classified));
        Assert.Equal(HttpStatusCode.BadRequest, await receiver.PostAsync(Id, null, signature, Classified));
        Assert.Equal(HttpStatusCode.BadRequest, await receiver.PostAsync(Id, timestamp, null, Classified));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(receiver, Classified, at: Now.AddMinutes(-6)));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(receiver, Classified, at: Now.AddMinutes(6)));
        foreach (var nonsense in new[] { "", "null", "[]", "{", "{}", """{"type":"desk.classified"}""", """{"type":"desk.classified","data":{"classify":"perhaps"}}""" })
        {
            Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(receiver, Encoding.UTF8.GetBytes(nonsense)));
        }

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await PostAsync(receiver, new byte[256 * 1024 + 1], asksFirst: true));
        Assert.Empty(await receiver.InboxAsync());
        // None of it stands in the way of the genuine one.
        Assert.Equal(HttpStatusCode.NoContent, await PostAsync(receiver, Classified));
        Assert.Single(await receiver.InboxAsync());
    }

    [Fact]
    public async Task A_rotation_needs_no_moment_at_which_both_sides_change()
    {
        var next = WebhookSecret.Generate();
        await using (var old = await ReceiverProcess.StartAsync(_folder, _secret))
        {
            // Desk signs with both.
            Assert.Equal(HttpStatusCode.NoContent, await PostAsync(old, Classified, "a", secrets: [next, _secret]));
            Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync(old, Classified, "b", secrets: [next]));
        }

        await using (var both = await ReceiverProcess.StartAsync(_folder, next, _secret))
        {
            Assert.Equal(HttpStatusCode.NoContent, await PostAsync(both, Classified, "c", secrets: [_secret]));
            Assert.Equal(HttpStatusCode.NoContent, await PostAsync(both, Classified, "d", secrets: [next]));
        }

        await using var rotated = await ReceiverProcess.StartAsync(_folder, next);
        Assert.Equal(HttpStatusCode.NoContent, await PostAsync(rotated, Classified, "e", secrets: [next, _secret]));
        Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync(rotated, Classified, "f", secrets: [_secret]));
        Assert.Equal(4, (await rotated.InboxAsync()).Length);
    }

    [Theory]
    [InlineData("""{"type":"desk.completed","timestamp":"2026-11-22T04:00:00Z","data":{"request_id":"r1","task_id":"t","status":"success","initial_image_url":"https://a.example/b.jpg","processed_image_url":"https://a.example/c.png","products":[{"name":"lamp"}],"elapsed_ms":4200}}""")]
    [InlineData("""{"type":"desk.completed","timestamp":"2026-11-22T04:00:00Z","data":{"request_id":"r1","task_id":"t","status":"failed","initial_image_url":"https://a.example/b.jpg","error":"MODEL_UNAVAILABLE","elapsed_ms":10}}""")]
    [InlineData("""{"type":"desk.completed","timestamp":"2026-11-22T04:00:00Z","data":{"request_id":"r1","task_id":"t","status":"failed","initial_image_url":"https://a.example/b.jpg","error":{"code":"MODEL_UNAVAILABLE"},"elapsed_ms":10,"new_field":1}}""")]
    [InlineData("""{"type":"desk.invented_later","data":{}}""")]
    public async Task Every_type_is_taken_with_the_fields_that_it_has(string body)
    {
        await using var receiver = await ReceiverProcess.StartAsync(_folder, _secret);

        Assert.Equal(HttpStatusCode.NoContent, await PostAsync(receiver, Encoding.UTF8.GetBytes(body)));
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(body), Assert.Single(await receiver.InboxAsync())));
    }

    [Fact]
    public async Task Without_a_secret_it_does_not_start()
    {
        using var process = ReceiverProcess.Start("--inbox", Path.Combine(_folder.Path, "inbox"));
        var said = await process.StandardError.ReadToEndAsync(DeskPlatform.Cancel);
        await process.WaitForExitAsync(DeskPlatform.Cancel);

        Assert.Equal(2, process.ExitCode);
        Assert.Contains("callback-signing", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_takes_what_desk_sends()
    {
        await using var receiver = await ReceiverProcess.StartAsync(_folder, _secret);
        // By the clock of the machine, as the receiver's.
        await using var platform = await DeskPlatform.StartAsync(resolver: null, "Development", _secret, Now);

        var answer = await platform.ClassifyAsync(callbackUrl: receiver.Url);
        var id = answer.GetProperty("callback_id").GetString()!;
        await platform.EndOfAsync(id);

        Assert.Equal("delivered", (await platform.DeliveryAsync(id)).GetProperty("state").GetString());
        var data = Assert.Single(await receiver.InboxAsync()).GetProperty("data");
        Assert.Equal(("r1", answer.GetProperty("confidence").GetDouble()), (data.GetProperty("request_id").GetString(), data.GetProperty("confidence").GetDouble()));
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private Task<HttpStatusCode> PostAsync(
        ReceiverProcess receiver, byte[] body, string id = Id, DateTimeOffset? at = null, WebhookSecret[]? secrets = null, bool asksFirst = false)
    {
        var sent = at ?? Now;
        return receiver.PostAsync(id, WebhookSignature.Text(sent), WebhookSignature.Sign(id, sent, body, secrets ?? [_secret]), body, asksFirst);
    }
}
