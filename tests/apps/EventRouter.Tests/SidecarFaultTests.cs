using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using Contracts;
using Contracts.Jobs;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using ServiceDefaults;
using Sidecar.Testing;

namespace EventRouter.Tests;

/// <summary>Two replicas of the real app on a whole sidecar whose store refuses, conflicts and loses answers.</summary>
public sealed class SidecarFaultTests
{
    private const int Events = 60;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Every_event_is_in_the_log_once_and_without_gaps(int seed)
    {
        await using var dapr = await SidecarHost.StartAsync(options =>
        {
            options.Seed = seed;
            options.AppId = Apps.ScanWorker;
            options.AddComponent(Components.JobLog, "state.in-memory", ("keyPrefix", "name"));
            options.AddComponent(Components.Broadcast, "pubsub.in-memory", ("ephemeral", "true"), ("consumerID", "{uuid}"));
        }, Cancel);
        var refused = dapr.Faults.StateWrites(Components.JobLog).After(3).Times(2).Fail();
        var unanswered = dapr.Faults.StateWrites(Components.JobLog).After(5).Times(2).FailAfterwards();
        var overtaken = dapr.Faults.StateWrites(Components.JobLog).After(7).Times(2).Conflict();
        var broken = dapr.Faults.Calls(Apps.EventRouter).WithProbability(0.1).FailAfterwards();
        var first = await dapr.AddAppAsync(Apps.EventRouter, cancellationToken: Cancel);
        await using var one = Start(first);
        var second = await dapr.AddAppAsync(Apps.EventRouter, cancellationToken: Cancel);
        await using var two = Start(second);
        await first.ReadyAsync(cancellationToken: Cancel);
        await second.ReadyAsync(cancellationToken: Cancel);
        using var client = dapr.CreateInvokeClient(Apps.EventRouter);
        // The path of a call says which ones break: the same with every run of a seed.
        var job = new Guid(seed, 0, 0, new byte[8]);
        var created = RouterUnderTest.Input("queued.started", "queued", "started");
        await AppendAsync(new([created], new JobCreation("u1", Apps.Scan, TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(5), null, 5, 100)));

        var answers = new ConcurrentDictionary<string, long>();
        await Parallel.ForEachAsync(Enumerable.Range(0, Events), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancel }, async (number, _) =>
        {
            var key = $"x#{number}.streaming";
            answers[key] = await AppendAsync(new([RouterUnderTest.Input(key, "x", "streaming")]));
        });

        JobView? view;
        for (view = null; view is null;)
        {
            using var response = await client.GetAsync($"jobs/{job}", Cancel);
            view = response.IsSuccessStatusCode ? await response.Content.ReadFromJsonAsync<JobView>(TandemJson.Options, Cancel) : null;
        }

        Assert.Equal(Enumerable.Range(1, Events + 1).Select(seq => (long)seq), view.Entries.Select(entry => entry.Seq));
        Assert.All(view.Entries.Skip(1), entry => Assert.Equal(answers[entry.Key], entry.Seq));
        Assert.All([refused, unanswered, overtaken, broken], fault => Assert.NotEqual(0, fault.Hits));

        // As every producer does: until it is answered.
        async Task<long> AppendAsync(AppendJobEvents command)
        {
            while (true)
            {
                using var response = await client.PostAsJsonAsync($"jobs/{job}/events", command, TandemJson.Options, Cancel);
                if (response.IsSuccessStatusCode)
                {
                    return (await response.Content.ReadFromJsonAsync<AppendedJobEvents>(TandemJson.Options, Cancel))!.Seq;
                }

                Assert.True(response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.InternalServerError, $"{response.StatusCode}");
            }
        }
    }

    private static WebApplicationFactory<EventRouterService> Start(SidecarApp router)
    {
        var app = new WebApplicationFactory<EventRouterService>().WithWebHostBuilder(web => web.UseSidecar(router));
        app.UseKestrel();
        app.StartServer();
        return app;
    }
}
