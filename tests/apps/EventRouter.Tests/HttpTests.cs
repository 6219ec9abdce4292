using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts.Jobs;
using EventRouter.Logs;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ServiceDefaults;
using TestKit;

namespace EventRouter.Tests;

/// <summary>The wire: status codes, problem codes and who may call.</summary>
public sealed class HttpTests : IAsyncDisposable
{
    private const string AppToken = "app-token";

    private readonly FakeLogStore _store = new();
    private readonly WebApplicationFactory<EventRouterService> _app;
    private readonly Guid _job = Guid.NewGuid();

    public HttpTests() => _app = new WebApplicationFactory<EventRouterService>().WithWebHostBuilder(builder =>
    {
        builder.UseSetting("Logging:LogLevel:Default", "Warning");
        builder.UseSetting("APP_API_TOKEN", AppToken);
        builder.UseEnvironment("Development");
        builder.ConfigureTestServices(services =>
        {
            services.Replace(ServiceDescriptor.Singleton<ILogStore>(_store));
            services.Replace(ServiceDescriptor.Singleton<IJobLogPublisher>(new SilentPublisher()));
        });
    });

    [Fact]
    public async Task Job_is_created_appended_to_and_read()
    {
        using var client = ClientOf("scan");
        using var created = await PostAsync(client, Created());
        Assert.Equal(HttpStatusCode.OK, created.StatusCode);
        Assert.Equal(new AppendedJobEvents(1, true), await created.Content.ReadFromJsonAsync<AppendedJobEvents>(TandemJson.Options));
        using var worker = ClientOf("scan-worker");
        using var appended = await PostAsync(worker, Event("vision", "started"));
        Assert.Equal(2, (await appended.Content.ReadFromJsonAsync<AppendedJobEvents>(TandemJson.Options))!.Seq);

        var view = await client.GetFromJsonAsync<JobView>($"/jobs/{_job}?after=1", TandemJson.Options);
        Assert.Equal(("u1", "scan", 2L, null), (view!.Owner, view.App, view.Seq, view.Terminal));
        Assert.Equal("vision.started", Assert.Single(view.Entries).Key);

        using var states = await client.PostAsJsonAsync("/jobs/states", new GetJobStates([_job, Guid.NewGuid()]), TandemJson.Options);
        var state = Assert.Single((await states.Content.ReadFromJsonAsync<JobStates>(TandemJson.Options))!.Jobs);
        Assert.Equal(("vision", "started", 2L), (state.Stage, state.Status, state.Seq));
    }

    [Fact]
    public async Task Refusals_have_stable_codes()
    {
        using var client = ClientOf("scan");
        Assert.Equal((404, "JOB_NOT_FOUND"), await CodeAsync(await PostAsync(client, Event("vision", "started"))));
        Assert.Equal((404, "JOB_NOT_FOUND"), await CodeAsync(await client.GetAsync($"/jobs/{_job}")));
        Assert.Equal((400, "INVALID_EVENT"), await CodeAsync(await PostAsync(client, Event("error", "started"))));
        Assert.Equal((413, "EVENTS_TOO_LARGE"), await CodeAsync(await PostAsync(client, Event("vision", "completed", new string('x', 60_000)))));
        await PostAsync(client, Created("a"));
        Assert.Equal((422, "IDEMPOTENCY_KEY_REUSED"), await CodeAsync(await PostAsync(client, Created("b"))));

        var busy = await client.PostAsJsonAsync($"/jobs/{Guid.NewGuid()}/events", Created("c", maxPerOwner: 1), TandemJson.Options);
        Assert.NotNull(busy.Headers.RetryAfter);
        Assert.Equal((429, "TOO_MANY_OPEN_JOBS"), await CodeAsync(busy));
        busy = await client.PostAsJsonAsync($"/jobs/{Guid.NewGuid()}/events", Created("c", max: 1), TandemJson.Options);
        Assert.NotNull(busy.Headers.RetryAfter);
        Assert.Equal((503, "SYSTEM_BUSY"), await CodeAsync(busy));

        await PostAsync(client, Event("done", "completed"));
        Assert.Equal((409, "JOB_CLOSED"), await CodeAsync(await PostAsync(client, Event("vision", "started"))));
    }

    [Theory]
    [InlineData(null, AppToken)]
    [InlineData("users", AppToken)]
    [InlineData("scan", null)]
    [InlineData("scan", "wrong")]
    public async Task Only_listed_callers_behind_their_sidecar_pass(string? caller, string? token)
    {
        using var client = ClientOf(caller, token);
        using var response = await PostAsync(client, Created());
        Assert.Equal((403, "CALLER_NOT_ALLOWED"), await CodeAsync(response));
        Assert.Empty(_store.Keys);
    }

    [Fact]
    public async Task Metrics_count_appends_reads_lost_writes_and_times()
    {
        using var client = ClientOf("scan");
        await PostAsync(client, Created());
        var beaten = false;
        _store.BeforeWrite = async key =>
        {
            if (!beaten)
            {
                beaten = true;
                var (head, etag) = await _store.ReadAsync<JobHead>(key, CancellationToken.None);
                await _store.ReplaceAsync(key, head!, etag, TimeSpan.FromHours(1), CancellationToken.None);
            }
        };
        await PostAsync(client, Event("vision", "started"));
        await PostAsync(client, Created("another"));

        var metrics = (await client.GetStringAsync("/metrics")).Split('\n');

        Assert.Contains("joblog_appends_total 2", metrics);
        Assert.Contains("joblog_conflicts_total 1", metrics);
        Assert.Contains(metrics, line => line.StartsWith("joblog_reads_total ", StringComparison.Ordinal) && !line.EndsWith(" 0", StringComparison.Ordinal));
        Assert.Contains("joblog_append_duration_seconds_count{outcome=\"stored\"} 2", metrics);
        Assert.Contains("joblog_append_duration_seconds_count{outcome=\"refused\"} 1", metrics);
    }

    [Fact]
    public async Task The_largest_number_is_after_everything()
    {
        using var client = ClientOf("scan");
        await PostAsync(client, Created());

        Assert.Empty((await client.GetFromJsonAsync<JobView>($"/jobs/{_job}?after={long.MaxValue}", TandemJson.Options))!.Entries);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_cron_binding_ends_due_jobs_with_or_without_the_lock(bool lockIsAway)
    {
        await using var sidecar = await FakeSidecar.StartAsync();
        sidecar.Before = (operation, http) =>
        {
            http.Response.StatusCode = operation == "lock" && lockIsAway ? 500 : http.Response.StatusCode;
            return Task.CompletedTask;
        };
        await using var app = _app.WithWebHostBuilder(builder => builder.UseSetting("DAPR_HTTP_ENDPOINT", sidecar.Address));
        using var client = ClientOf("scan", app: app);
        var created = Created();
        await PostAsync(client, created with { Create = created.Create! with { Deadline = TimeProvider.System.GetUtcNow() } });
        using var stranger = ClientOf(null, token: "wrong", app);
        Assert.Equal((403, "CALLER_NOT_ALLOWED"), await CodeAsync(await stranger.PostAsync("/cron-deadlines", null)));

        using var sidecarsCall = ClientOf(null, app: app);
        using var fired = await sidecarsCall.PostAsync("/cron-deadlines", null);

        Assert.Equal(HttpStatusCode.OK, fired.StatusCode);
        var view = await client.GetFromJsonAsync<JobView>($"/jobs/{_job}", TandemJson.Options);
        Assert.Equal((JobWords.Failed, JobWords.DeadlineExceeded), (view!.Terminal, view.Entries[^1].Result!.Value.GetProperty("code").GetString()));
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private HttpClient ClientOf(string? caller, string? token = AppToken, WebApplicationFactory<EventRouterService>? app = null)
    {
        var client = (app ?? _app).CreateClient();
        if (caller is not null)
        {
            client.DefaultRequestHeaders.Add("dapr-caller-app-id", caller);
        }

        if (token is not null)
        {
            client.DefaultRequestHeaders.Add("dapr-api-token", token);
        }

        return client;
    }

    private Task<HttpResponseMessage> PostAsync(HttpClient client, AppendJobEvents command) =>
        client.PostAsJsonAsync($"/jobs/{_job}/events", command, TandemJson.Options);

    private static AppendJobEvents Created(string? hash = null, int maxPerOwner = 5, int max = 100) =>
        Event("queued", "started") with
        {
            Create = new JobCreation("u1", "scan", TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(5), hash, maxPerOwner, max),
        };

    private static AppendJobEvents Event(string stage, string status, string? message = null) =>
        new([RouterUnderTest.Input($"{stage}.{status}", stage, status, message: message)]);

    private static async Task<(int, string?)> CodeAsync(HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        return ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString());
    }

    private sealed class SilentPublisher : IJobLogPublisher
    {
        public Task PublishAsync(Guid jobId, IReadOnlyList<JobEvent> entries, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
