using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts.Jobs;

namespace Scan.Tests;

/// <summary>A job that exists is published or ended, whatever happens to its request.</summary>
public sealed class SubmitScanTests
{
    [Fact]
    public async Task A_caller_who_leaves_after_the_job_was_made_does_not_keep_it_from_being_published()
    {
        await using var app = await ScanApp.StartAsync();
        using var client = app.ClientOf("u1");
        using var caller = new CancellationTokenSource();
        var published = new TaskCompletionSource();
        app.Sidecar.After = async (operation, _) =>
        {
            if (operation == "event-router")
            {
                await caller.CancelAsync();
            }
            else if (operation == "publish")
            {
                published.SetResult();
            }
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => app.SubmitAsync(client, cancellationToken: caller.Token));

        await published.Task.WaitAsync(ScanApp.Patience);
        Assert.Equal("scan-requested", Assert.Single(app.Sidecar.Published).Topic);
        Assert.NotNull(app.Sidecar.Stored("history:u1"));
    }

    [Fact]
    public async Task A_job_that_cannot_be_published_is_ended_when_nobody_can_repeat_it()
    {
        await using var app = await ScanApp.StartAsync();
        using var client = app.ClientOf("u1");
        app.Sidecar.Before = FailOn("publish");

        using var response = await app.SubmitAsync(client);

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        var (id, job) = Assert.Single(app.Jobs);
        Assert.Equal((JobWords.Done, JobWords.Failed), (job.Entries[^1].Stage, job.Entries[^1].Status));
        var result = await client.GetFromJsonAsync<JsonElement>($"/api/v1/scan/{id}/result");
        Assert.Equal("SCAN_NOT_STARTED", result.GetProperty("error").GetString());
    }

    [Theory]
    [InlineData("Idempotency-Key", "Idempotency-Key")]
    [InlineData("X-Idempotency-Key", "Idempotency-Key")]
    [InlineData("X-Idempotency-Key", "X-Idempotency-Key")]
    public async Task A_job_that_can_be_repeated_stays_open_and_is_published_by_the_repetition(string first, string second)
    {
        await using var app = await ScanApp.StartAsync();
        using var client = app.ClientOf("u1");
        app.Sidecar.Before = FailOn("publish");
        using var failed = await app.SubmitAsync(client, (first, "k"));
        Assert.Equal(HttpStatusCode.InternalServerError, failed.StatusCode);

        app.Sidecar.Before = (_, _) => Task.CompletedTask;
        using var repeated = await app.SubmitAsync(client, (second, "k"));

        Assert.Equal(HttpStatusCode.OK, repeated.StatusCode);
        Assert.Equal("queued.started", Assert.Single(Assert.Single(app.Jobs).Value.Entries).Key);
        Assert.Single(app.Sidecar.Published);
    }

    /// <summary>UUIDv5 in the URL name space of user, route and key: replicas and versions must agree on it.</summary>
    [Fact]
    public async Task The_job_of_a_key_has_its_known_id()
    {
        await using var app = await ScanApp.StartAsync();
        using var client = app.ClientOf("u1");

        using var response = await app.SubmitAsync(client, ("Idempotency-Key", "k"));

        Assert.Equal("0bc8e32b-dc6e-5615-b7c5-998e9fa0c67b", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("job_id").GetString());
    }

    [Fact]
    public async Task A_scan_that_cannot_be_listed_does_not_run_because_nobody_could_erase_it()
    {
        await using var app = await ScanApp.StartAsync();
        using var client = app.ClientOf("u1");
        app.Sidecar.Before = FailOn("write");

        using var response = await app.SubmitAsync(client);

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Empty(app.Sidecar.Published);
        Assert.Equal(JobWords.Failed, Assert.Single(app.Jobs).Value.Entries[^1].Status);
    }

    [Fact]
    public async Task A_key_has_at_most_255_characters()
    {
        await using var app = await ScanApp.StartAsync();
        using var client = app.ClientOf("u1");

        using var response = await app.SubmitAsync(client, ("Idempotency-Key", new string('k', 256)));

        Assert.Equal((HttpStatusCode.BadRequest, "IDEMPOTENCY_KEY_INVALID"), (response.StatusCode, await ScanApp.CodeAsync(response)));
        Assert.Empty(app.Jobs);
    }

    [Fact]
    public async Task A_list_says_where_every_scan_stands_newest_first()
    {
        await using var app = await ScanApp.StartAsync();
        using var client = app.ClientOf("u1");
        Assert.Empty((await client.GetFromJsonAsync<JsonElement>("/api/v1/scan")).GetProperty("scans").EnumerateArray());
        foreach (var key in (string[])["open", "ended", "forgotten"])
        {
            using var submitted = await app.SubmitAsync(client, ("Idempotency-Key", key));
            Assert.Equal(HttpStatusCode.OK, submitted.StatusCode);
        }

        Guid[] ids = [.. app.Sidecar.Published.Select(message => JsonElement.Parse(message.Json).GetProperty("job_id").GetGuid())];
        app.Jobs[ids[1]].Entries.Add(new JobEventInput("done.completed", JobWords.Done, JobWords.Completed, 100, DateTimeOffset.UnixEpoch));
        app.Jobs.Remove(ids[2], out _);

        var scans = (await client.GetFromJsonAsync<JsonElement>("/api/v1/scan")).GetProperty("scans").EnumerateArray().ToArray();

        Assert.Equal(ids.Reverse(), scans.Select(scan => scan.GetProperty("job_id").GetGuid()));
        Assert.Equal(["expired", "completed", "processing"], scans.Select(scan => scan.GetProperty("status").GetString()));
        Assert.Equal([100, 100, 0], scans.Select(scan => scan.GetProperty("progress").GetInt32()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(51)]
    public async Task A_list_has_a_limit(int limit)
    {
        await using var app = await ScanApp.StartAsync();
        using var client = app.ClientOf("u1");

        using var response = await client.GetAsync($"/api/v1/scan?limit={limit}");

        Assert.Equal((HttpStatusCode.BadRequest, "LIMIT_OUT_OF_RANGE"), (response.StatusCode, await ScanApp.CodeAsync(response)));
    }

    private static Func<string, Microsoft.AspNetCore.Http.HttpContext, Task> FailOn(string failing) => (operation, http) =>
    {
        http.Response.StatusCode = operation == failing ? 500 : http.Response.StatusCode;
        return Task.CompletedTask;
    };
}
