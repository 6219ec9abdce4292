using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts.Images;
using Contracts.Jobs;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using ServiceDefaults;
using TestKit;

namespace Scan.Tests;

/// <summary>The real app behind the gateway's headers, on a sidecar whose other apps are played here.</summary>
internal sealed class ScanApp : WebApplicationFactory<ScanService>
{
    public const string ImageUrl = "http://localhost/api/v1/images/scan/0123456789abcdef0123456789abcdef.jpg";
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const string AppToken = "app-token";

    private ScanApp(FakeSidecar sidecar) => Sidecar = sidecar;

    public FakeSidecar Sidecar { get; }

    /// <summary>Job logs: owner and entries.</summary>
    public ConcurrentDictionary<Guid, (string Owner, List<JobEventInput> Entries)> Jobs { get; } = new();

    public static async Task<ScanApp> StartAsync()
    {
        var app = new ScanApp(await FakeSidecar.StartAsync());
        app.Sidecar.Apps["event-router"] = app.EventRouterAsync;
        app.Sidecar.Apps["images"] = (http, _) => http.Response.WriteAsJsonAsync(
            new ImageInfo("scan/p.jpg", "u1", "image/jpeg", 1, "e"), TandemJson.Options);
        app.Sidecar.Apps["scan-worker"] = (http, _) =>
        {
            http.Response.StatusCode = 204;
            return Task.CompletedTask;
        };
        return app;
    }

    public HttpClient ClientOf(string user)
    {
        var client = CreateClient();
        client.DefaultRequestHeaders.Add("dapr-api-token", AppToken);
        client.DefaultRequestHeaders.Add("dapr-caller-app-id", "gateway");
        client.DefaultRequestHeaders.Add(UserIdentity.Header, user);
        return client;
    }

    public Task<HttpResponseMessage> SubmitAsync(HttpClient client, (string Name, string Value)? header = null, string? model = null, CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/scan") { Content = JsonContent.Create(new { image_url = ImageUrl, model }) };
        if (header is var (name, value))
        {
            request.Headers.Add(name, value);
        }

        return client.SendAsync(request, cancellationToken).WaitAsync(Patience, CancellationToken.None);
    }

    public static async Task<string?> CodeAsync(HttpResponseMessage response) =>
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Sidecar.DisposeAsync();
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("DAPR_HTTP_ENDPOINT", Sidecar.Address);
        builder.UseSetting("APP_API_TOKEN", AppToken);
        builder.UseSetting("Logging:LogLevel:Default", "None");
        builder.UseEnvironment("Development");
    }

    private JobState StateOf(Guid jobId)
    {
        var (owner, entries) = Jobs[jobId];
        var last = entries[^1];
        return new JobState(
            jobId, owner, "scan", DateTimeOffset.UnixEpoch, entries.Count, last.Stage == JobWords.Done ? last.Status : null, last.Stage, last.Status,
            last.Progress, last.Ts);
    }

    private async Task EventRouterAsync(HttpContext http, string path)
    {
        if (path == "/jobs/states")
        {
            var query = (await http.Request.ReadFromJsonAsync<GetJobStates>(TandemJson.Options))!;
            await http.Response.WriteAsJsonAsync(new JobStates([.. query.JobIds.Where(Jobs.ContainsKey).Select(StateOf)]), TandemJson.Options);
            return;
        }

        var jobId = Guid.Parse(path.Split('/')[2]);
        if (HttpMethods.IsDelete(http.Request.Method))
        {
            Jobs.TryRemove(jobId, out _);
            http.Response.StatusCode = 204;
            return;
        }

        if (HttpMethods.IsPost(http.Request.Method))
        {
            var command = (await http.Request.ReadFromJsonAsync<AppendJobEvents>(TandemJson.Options))!;
            var created = command.Create is not null && !Jobs.ContainsKey(jobId);
            var entries = Jobs.GetOrAdd(jobId, _ => (command.Create!.Owner, [])).Entries;
            lock (entries)
            {
                entries.AddRange(command.Events.Where(input => !entries.Exists(known => known.Key == input.Key)));
            }

            await http.Response.WriteAsJsonAsync(new AppendedJobEvents(entries.Count, created), TandemJson.Options);
        }
        else if (Jobs.TryGetValue(jobId, out var job))
        {
            JobEvent[] entries = [.. job.Entries.Select((input, index) => new JobEvent(
                jobId, index + 1, input.Key, input.Stage, input.Status, 0, input.Progress, input.Ts, input.Result, input.Message))];
            var terminal = entries[^1].Stage == JobWords.Done ? entries[^1].Status : null;
            await http.Response.WriteAsJsonAsync(
                new JobView(jobId, job.Owner, "scan", DateTimeOffset.UnixEpoch, entries.Length, terminal, entries), TandemJson.Options);
        }
        else
        {
            http.Response.StatusCode = 404;
        }
    }
}
