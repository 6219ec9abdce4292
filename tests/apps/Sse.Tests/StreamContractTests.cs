using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Sse.Tests;

/// <summary>What a client of an event stream is promised.</summary>
public sealed class StreamContractTests
{
    [Fact]
    public async Task Signs_of_life_do_not_wait_for_the_store()
    {
        await using var app = new SseApp(("KeepAlive", "00:00:00.1"), ("ReadTimeout", "00:01:00"));
        var job = app.Logs.Create("u1");
        var read = new TaskCompletionSource();
        app.Logs.BeforeHeads = token =>
        {
            read.TrySetResult();
            return Task.Delay(Timeout.Infinite, token);
        };
        using var stream = await app.OpenAsync(job);
        await read.Task.WaitAsync(SseApp.Patience);

        for (var alive = 0; alive < 5;)
        {
            alive += Assert.IsType<ReceivedEvent>(await stream.NextAsync()).Name == "keepalive" ? 1 : 0;
        }
    }

    [Fact]
    public async Task Stream_begins_with_retry_and_the_keepalive_interval_and_has_the_headers_of_a_stream()
    {
        await using var app = new SseApp();
        using var stream = await app.OpenAsync(app.Logs.Create("u1"));
        Assert.Equal("text/event-stream; charset=utf-8", stream.Response.Content.Headers.ContentType!.ToString());
        Assert.Contains("no-store", stream.Response.Headers.CacheControl!.ToString());
        Assert.Equal("no", stream.Response.Headers.GetValues("X-Accel-Buffering").Single());
        Assert.Equal("1", stream.Response.Headers.GetValues("Job-Log-Replay-From").Single());

        var first = await stream.NextAsync();
        Assert.Equal("1000", stream.Retry);
        Assert.Equal((null, "stream"), (first!.Id, first.Name));
        Assert.Equal(10_000, JsonDocument.Parse(first.Data).RootElement.GetProperty("keepalive_ms").GetInt64());
    }

    /// <summary>A compressor holds small events back.</summary>
    [Fact]
    public async Task A_stream_is_not_compressed_for_a_client_that_could_read_it()
    {
        await using var app = new SseApp();
        using var client = app.ClientOf("u1");
        client.DefaultRequestHeaders.AcceptEncoding.ParseAdd("gzip, br, zstd");

        using var stream = await EventReader.OpenAsync(client, $"/api/v1/jobs/{app.Logs.Create("u1")}/events", lastEventId: null);

        Assert.Empty(stream.Response.Content.Headers.ContentEncoding);
        Assert.Equal("stream", (await stream.NextAsync())!.Name);
    }

    [Fact]
    public async Task Live_events_arrive_with_id_stage_and_snake_case_json_and_the_stream_ends_with_the_job()
    {
        await using var app = new SseApp();
        var job = app.Logs.Create("u1");
        using var stream = await app.OpenAsync(job);
        Assert.Equal(1, (await stream.TakeAsync(1))[0].Id);
        app.Append(job, "vision", "started");
        var vision = (await stream.TakeAsync(1))[0];
        Assert.Equal((2L, "vision"), (vision.Id!.Value, vision.Name));
        var data = JsonDocument.Parse(vision.Data).RootElement;
        Assert.Equal(job, data.GetProperty("job_id").GetGuid());
        Assert.Equal(0, data.GetProperty("stage_seq").GetInt32());
        Assert.False(data.TryGetProperty("result", out _));

        app.Append(job, "done", "completed");
        Assert.Equal([3L], (await stream.TakeAsync()).Select(e => e.Id!.Value));
    }

    [Fact]
    public async Task Late_join_gets_the_whole_history_and_the_end_and_then_204()
    {
        await using var app = new SseApp();
        var job = app.Logs.Create("u1");
        for (var i = 0; i < 12; i++)
        {
            app.Logs.Append(job, "answer", "processing");
        }

        app.Logs.Append(job, "done", "completed");
        using var stream = await app.OpenAsync(job);
        Assert.Equal(Enumerable.Range(1, 14).Select(i => (long)i), (await stream.TakeAsync()).Select(e => e.Id!.Value));
        using var after = await app.OpenAsync(job, lastEventId: 14);
        Assert.Equal(HttpStatusCode.NoContent, after.Status);
    }

    [Fact]
    public async Task Reconnect_resumes_after_the_last_event_id_or_the_query()
    {
        await using var app = new SseApp();
        var job = app.Logs.Create("u1");
        using (var first = await app.OpenAsync(job))
        {
            await first.TakeAsync(1);
        }

        for (var i = 0; i < 9; i++)
        {
            app.Append(job, "answer", "processing");
        }

        using var resumed = await app.OpenAsync(job, lastEventId: 1);
        Assert.Equal("2", resumed.Response.Headers.GetValues("Job-Log-Replay-From").Single());
        Assert.Equal(Enumerable.Range(2, 9).Select(i => (long)i), (await resumed.TakeAsync(9)).Select(e => e.Id!.Value));
        using var byQuery = await EventReader.OpenAsync(app.ClientOf("u1"), $"/api/v1/scan/{job}/events?after=8", null);
        Assert.Equal([9L, 10L], (await byQuery.TakeAsync(2)).Select(e => e.Id!.Value));
        using var legacy = await EventReader.OpenAsync(app.ClientOf("u1"), $"/api/v1/stream?job_id={job}&after=9", null);
        Assert.Equal([10L], (await legacy.TakeAsync(1)).Select(e => e.Id!.Value));
        using var ahead = await app.OpenAsync(job, lastEventId: 99);
        Assert.Equal("1", ahead.Response.Headers.GetValues("Job-Log-Replay-From").Single());
        using var garbage = await EventReader.OpenAsync(app.ClientOf("u1"), $"/api/v1/jobs/{job}/events?after=x", null);
        Assert.Equal(HttpStatusCode.BadRequest, garbage.Status);
    }

    [Fact]
    public async Task Two_clients_see_the_same_events()
    {
        await using var app = new SseApp();
        var job = app.Logs.Create("u1");
        using var one = await app.OpenAsync(job);
        using var two = await app.OpenAsync(job, lastEventId: 1);
        app.Append(job, "vision", "started");
        app.Append(job, "done", "completed");
        Assert.Equal([1L, 2L, 3L], (await one.TakeAsync()).Select(e => e.Id!.Value));
        Assert.Equal([2L, 3L], (await two.TakeAsync()).Select(e => e.Id!.Value));
    }

    [Fact]
    public async Task Lost_doubled_and_reordered_hints_cost_no_event()
    {
        await using var app = new SseApp();
        var job = app.Logs.Create("u1");
        using var stream = await app.OpenAsync(job);
        await stream.TakeAsync(1);
        var random = new Random(7);
        var hints = new List<JobEvent>();
        for (var i = 0; i < 40; i++)
        {
            hints.Add(app.Logs.Append(job, "answer", "processing"));
        }

        foreach (var hint in hints.Where(_ => random.Next(3) > 0).SelectMany(hint => random.Next(2) == 0 ? [hint] : new[] { hint, hint }).OrderBy(_ => random.Next()))
        {
            app.Hub.Offer(job, [hint]);
            await Task.Yield();
        }

        app.Append(job, "done", "completed");
        Assert.Equal(Enumerable.Range(2, 41).Select(i => (long)i), (await stream.TakeAsync()).Select(e => e.Id!.Value));
    }

    [Fact]
    public async Task Event_whose_hint_was_lost_arrives_with_the_next_keepalive()
    {
        await using var app = new SseApp(("KeepAlive", "00:00:00.2"));
        var job = app.Logs.Create("u1");
        using var stream = await app.OpenAsync(job);
        await stream.TakeAsync(1);
        for (var i = 0; i < 6; i++)
        {
            app.Logs.Append(job, "answer", "processing");
        }

        app.Logs.Append(job, "done", "completed");
        Assert.Equal(Enumerable.Range(2, 7).Select(i => (long)i), (await stream.TakeAsync()).Select(e => e.Id!.Value));
    }

    [Fact]
    public async Task Renewed_subscription_makes_every_stream_look_at_its_log()
    {
        await using var app = new SseApp(("KeepAlive", "00:01:00"), ("RecheckAfterRenewal", "00:05:00"));
        var jobs = Enumerable.Range(0, 5).Select(_ => app.Logs.Create("u1")).ToArray();
        var streams = new List<EventReader>();
        foreach (var job in jobs)
        {
            streams.Add(await app.OpenAsync(job));
            await streams[^1].TakeAsync(1);
            app.Logs.Append(job, "done", "completed");
        }

        using var client = app.ClientOf(null);
        await client.GetAsync("/dapr/subscribe");
        foreach (var stream in streams)
        {
            Assert.Equal([2L], (await stream.TakeAsync()).Select(e => e.Id!.Value));
            stream.Dispose();
        }
    }

    [Fact]
    public async Task Event_appended_while_the_log_is_read_is_not_missed()
    {
        await using var app = new SseApp();
        var job = app.Logs.Create("u1");
        var appended = 0;
        app.Logs.AfterHeadTaken = _ =>
        {
            if (Interlocked.Exchange(ref appended, 1) == 0)
            {
                app.Append(job, "done", "completed");
            }

            return Task.CompletedTask;
        };
        using var stream = await app.OpenAsync(job);
        Assert.Equal([1L, 2L], (await stream.TakeAsync()).Select(e => e.Id!.Value));
    }

    [Fact]
    public async Task Failed_read_of_the_log_delays_and_loses_nothing()
    {
        await using var app = new SseApp(("KeepAlive", "00:00:00.2"));
        var job = app.Logs.Create("u1");
        using var stream = await app.OpenAsync(job);
        await stream.TakeAsync(1);
        var failures = 3;
        app.Logs.AfterHeadTaken = _ => Interlocked.Decrement(ref failures) >= 0 ? throw new HttpRequestException("no sidecar") : Task.CompletedTask;
        for (var i = 0; i < 8; i++)
        {
            app.Logs.Append(job, "answer", "processing");
        }

        app.Append(job, "done", "completed");
        Assert.Equal(Enumerable.Range(2, 9).Select(i => (long)i), (await stream.TakeAsync()).Select(e => e.Id!.Value));
    }

    [Fact]
    public async Task Slow_client_is_cut_and_resumes_without_a_gap()
    {
        await using var app = new SseApp(("QueueLength", "8"));
        var job = app.Logs.Create("u1");
        using var slow = await app.OpenAsync(job);
        var text = new string('x', 100_000);
        var sent = 0;
        while (app.Hub.Count > 0)
        {
            Assert.True(sent++ < 5_000, "The stream of a client that does not read was never cut");
            app.Append(job, "answer", "processing", text);
            await Task.Delay(1);
        }

        app.Append(job, "done", "completed");
        var received = new List<long>();
        try
        {
            while (await slow.NextAsync() is { } next)
            {
                received.AddRange(next.Id is { } id ? [id] : []);
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            // The connection was closed in the middle of an event, which a browser drops.
        }

        // Not what did not fit, nor the end.
        Assert.True(received.Count <= sent);
        using var resumed = await app.OpenAsync(job, lastEventId: received[^1]);
        received.AddRange((await resumed.TakeAsync()).Select(e => e.Id!.Value));
        Assert.Equal(Enumerable.Range(1, sent + 2).Select(i => (long)i), received);
    }

    [Fact]
    public async Task Stopping_replica_ends_streams_without_a_terminal_event_and_takes_no_new_ones()
    {
        await using var app = new SseApp();
        var job = app.Logs.Create("u1");
        using var stream = await app.OpenAsync(job);
        await stream.TakeAsync(1);
        app.Append(job, "vision", "started");
        app.Hub.Stop();
        Assert.Equal([2L], (await stream.TakeAsync()).Select(e => e.Id!.Value));
        using var refused = await app.OpenAsync(job);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
        Assert.NotNull(refused.Response.Headers.RetryAfter);
    }

    [Fact]
    public async Task Host_that_stops_does_not_wait_for_its_streams()
    {
        await using var app = new SseApp();
        using var stream = await app.OpenAsync(app.Logs.Create("u1"));
        await stream.TakeAsync(1);
        app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        Assert.Empty(await stream.TakeAsync());
    }

    [Fact]
    public async Task Keepalive_has_no_id_and_a_timestamp()
    {
        await using var app = new SseApp(("KeepAlive", "00:00:00.1"));
        using var stream = await app.OpenAsync(app.Logs.Create("u1"));
        ReceivedEvent? next;
        do
        {
            next = await stream.NextAsync();
        }
        while (next!.Name != "keepalive");
        Assert.Null(next.Id);
        Assert.True(JsonDocument.Parse(next.Data).RootElement.TryGetProperty("timestamp", out _));
    }
}
