using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts.Jobs;
using Dapr;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ServiceDefaults.Identity;
using Sse.Features;
using Sse.Streams;
using TestKit;

namespace Sse.Tests;

public sealed class AccessTests
{
    [Theory]
    [InlineData("/api/v1/jobs/{0}/events")]
    [InlineData("/api/v1/scan/{0}/events")]
    [InlineData("/api/v1/stream?job_id={0}")]
    [InlineData("/api/v1/jobs/{0}/log")]
    public async Task Only_the_owner_reads_and_no_header_names_a_user(string path)
    {
        await using var app = new SseApp();
        var job = app.Logs.Create("u1");
        Assert.Equal((HttpStatusCode.NotFound, "JOB_NOT_FOUND"), await CodeAsync(app.ClientOf("u2"), string.Format(null, path, job)));
        Assert.Equal((HttpStatusCode.NotFound, "JOB_NOT_FOUND"), await CodeAsync(app.ClientOf("u1"), string.Format(null, path, Guid.NewGuid())));

        using var nobody = app.ClientOf(null);
        nobody.DefaultRequestHeaders.Add("X-User-ID", "u1");
        Assert.Equal((HttpStatusCode.Unauthorized, "UNAUTHORIZED"), await CodeAsync(nobody, string.Format(null, path, job)));
        nobody.DefaultRequestHeaders.Add("Authorization", "Bearer forged");
        Assert.Equal((HttpStatusCode.Unauthorized, "INVALID_TOKEN"), await CodeAsync(nobody, string.Format(null, path, job)));
    }

    [Theory]
    [InlineData("/api/v1/jobs/{0}/events")]
    [InlineData("/api/v1/jobs/{0}/log")]
    public async Task An_api_key_needs_the_scope_of_jobs(string path)
    {
        await using var app = new SseApp();
        var job = app.Logs.Create("u1");

        Assert.Equal((HttpStatusCode.Forbidden, "INSUFFICIENT_SCOPE"), await CodeAsync(Machine("scan images"), string.Format(null, path, job)));
        Assert.Equal((HttpStatusCode.OK, null), await CodeAsync(Machine("scan jobs"), string.Format(null, path, job)));

        HttpClient Machine(string scope)
        {
            var client = app.ClientOf(null);
            client.DefaultRequestHeaders.Authorization = new("Bearer", TestTokens.Of("u1", change: claims => claims with { Provider = "api-key", Scope = scope }));
            return client;
        }
    }

    [Fact]
    public async Task Scan_path_knows_only_scans()
    {
        await using var app = new SseApp();
        var chat = app.Logs.Create("u1", app: "chat");
        Assert.Equal(HttpStatusCode.NotFound, (await CodeAsync(app.ClientOf("u1"), $"/api/v1/scan/{chat}/events")).Status);
        using var stream = await app.OpenAsync(chat);
        Assert.Equal(HttpStatusCode.OK, stream.Status);
    }

    [Fact]
    public async Task Log_without_sse_has_the_same_events()
    {
        await using var app = new SseApp();
        var job = app.Logs.Create("u1");
        for (var i = 0; i < 6; i++)
        {
            app.Logs.Append(job, "answer", "processing");
        }

        app.Logs.Append(job, "done", "failed");
        using var client = app.ClientOf("u1");
        var page = await client.GetFromJsonAsync<JsonElement>($"/api/v1/jobs/{job}/log?after=3");
        Assert.Equal("failed", page.GetProperty("terminal").GetString());
        Assert.Equal(8, page.GetProperty("seq").GetInt64());
        Assert.Equal([4, 5, 6, 7, 8], page.GetProperty("entries").EnumerateArray().Select(e => e.GetProperty("seq").GetInt32()));
    }

    [Fact]
    public async Task One_user_has_a_bounded_number_of_streams_and_a_closed_one_makes_room()
    {
        await using var app = new SseApp(("MaxStreamsPerUser", "2"), ("KeepAlive", "00:00:00.1"));
        var job = app.Logs.Create("u1");
        using var one = await app.OpenAsync(job);
        var two = await app.OpenAsync(job);
        Assert.Equal((HttpStatusCode.TooManyRequests, "TOO_MANY_STREAMS"), await CodeAsync(app.ClientOf("u1"), $"/api/v1/jobs/{job}/events"));
        using var other = await app.OpenAsync(app.Logs.Create("u2"), "u2");
        Assert.Equal(HttpStatusCode.OK, other.Status);

        two.Dispose();
        using var patience = new CancellationTokenSource(SseApp.Patience);
        while (true)
        {
            patience.Token.ThrowIfCancellationRequested();
            using var again = await app.OpenAsync(job);
            if (again.Status == HttpStatusCode.OK)
            {
                break;
            }
        }
    }

    [Theory]
    [InlineData("/api/v1/jobs/{0}/events", false)]
    [InlineData("/api/v1/scan/{0}/events", true)]
    [InlineData("/api/v1/stream?job_id={0}", false)]
    [InlineData("/api/v1/jobs/{0}/log", true)]
    public async Task While_the_log_cannot_be_read_a_client_is_asked_to_come_again(string path, bool timesOut)
    {
        await using var app = new SseApp(("MaxStreamsPerUser", "1"));
        var job = app.Logs.Create("u1");
        app.Logs.AfterHeadTaken = _ => Task.FromException(timesOut ? new OperationCanceledException() : new DaprException("the store is away"));
        using var client = app.ClientOf("u1");
        using (var response = await client.GetAsync(string.Format(null, path, job)).WaitAsync(SseApp.Patience))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.NotNull(response.Headers.RetryAfter?.Delta);
            Assert.Equal("LOG_UNAVAILABLE", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString());
        }

        app.Logs.AfterHeadTaken = _ => Task.CompletedTask;
        Assert.Equal(HttpStatusCode.OK, (await CodeAsync(client, string.Format(null, path, job))).Status);
    }

    [Fact]
    public async Task A_stream_ends_when_the_token_that_opened_it_expires()
    {
        await using var app = new SseApp(("KeepAlive", "00:00:00.1"), ("Identity:Leeway", "00:01:00"));
        var job = app.Logs.Create("u1");
        // Expired already, and let in by the leeway for clocks that differ.
        using var stream = await EventReader.OpenAsync(app.ClientOf("u1", TimeSpan.Zero), $"/api/v1/jobs/{job}/events", null);
        Assert.Equal(HttpStatusCode.OK, stream.Status);

        Assert.Equal(["queued"], (await stream.TakeAsync()).Select(received => received.Name));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_of_a_revoked_session_or_token_is_ended_and_no_other(bool isToken)
    {
        await using var app = new SseApp(("KeepAlive", "00:00:00.1"));
        var job = app.Logs.Create("u1");
        var claims = TestTokens.Claims("u1");
        using var client = app.ClientOf(null);
        client.DefaultRequestHeaders.Authorization = new("Bearer", TestTokens.Of("u1", change: _ => claims));
        using var stream = await EventReader.OpenAsync(client, $"/api/v1/jobs/{job}/events", null);
        using var other = await app.OpenAsync(job);
        Assert.Equal(["queued"], (await stream.TakeAsync(1)).Select(received => received.Name));
        Assert.Equal(["queued"], (await other.TakeAsync(1)).Select(received => received.Name));

        app.Services.GetRequiredService<RevokedTokens>().Add(isToken ? claims.Jti : claims.Sid, TimeProvider.System.GetUtcNow().AddHours(1));

        Assert.Empty(await stream.TakeAsync());
        Assert.Equal((HttpStatusCode.Unauthorized, "TOKEN_REVOKED"), await CodeAsync(client, $"/api/v1/jobs/{job}/events"));
        app.Append(job, "vision", "started");
        Assert.Equal(["vision"], (await other.TakeAsync(1)).Select(received => received.Name));
    }

    [Fact]
    public async Task The_largest_cursor_is_after_everything()
    {
        await using var app = new SseApp();
        var job = app.Logs.Create("u1");
        using var client = app.ClientOf("u1");

        var page = await client.GetFromJsonAsync<JsonElement>($"/api/v1/jobs/{job}/log?after={long.MaxValue}");

        Assert.Equal(0, page.GetProperty("entries").GetArrayLength());
    }

    [Fact]
    public async Task Hint_that_is_too_old_is_ignored()
    {
        await using var app = new SseApp();
        var job = app.Logs.Create("u1");
        var time = TimeProvider.System;
        var options = Options.Create(new SseOptions());
        var hub = new StreamHub(time, options);
        var stream = new JobStream(job, new Identity("u1", "s1", "t1", "guest", [], null, DateTimeOffset.MinValue, DateTimeOffset.MaxValue), 1, 8);
        hub.TryAdd(stream);
        var entries = new[] { app.Logs.Append(job, "vision", "started") };
        OnJobLogAppended.Handle(new JobLogAppended(job, entries, time.GetUtcNow() - TimeSpan.FromSeconds(61)), hub, time, options);
        Assert.False(stream.Queue.TryRead(out _));
        OnJobLogAppended.Handle(new JobLogAppended(job, entries, time.GetUtcNow()), hub, time, options);
        Assert.True(stream.Queue.TryRead(out _));
    }

    private static async Task<(HttpStatusCode Status, string? Code)> CodeAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead).WaitAsync(SseApp.Patience);
        if (response.Content.Headers.ContentType?.MediaType != "application/problem+json")
        {
            return (response.StatusCode, null);
        }

        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        return (response.StatusCode, problem.GetProperty("code").GetString());
    }
}
