using Characters.Ownership;
using Contracts;
using Contracts.Characters;
using Contracts.Scan;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using ServiceDefaults;
using Sidecar.Testing;

namespace Characters.Tests;

/// <summary>Two replicas of characters on a whole sidecar, which crashes with messages in hand.</summary>
public sealed class OwnershipDeliveryTests
{
    private const int Rewards = 30;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Every_fact_is_recorded_once_by_two_replicas_across_a_crash(int seed)
    {
        await using var dapr = await SidecarHost.StartAsync(options =>
        {
            options.Seed = seed;
            options.AddYaml(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "resiliency.yaml")));
        }, Cancel);
        dapr.Faults.Deliveries(ScanTopics.ScanRewarded).WithProbability(0.2).Duplicate();
        dapr.Faults.Deliveries(ScanTopics.ScanRewarded).WithProbability(0.2).Drop();
        var unanswered = dapr.Faults.StateWrites(Components.StateStore).WithProbability(0.2).FailAfterwards();
        var first = await dapr.AddAppAsync(Apps.Characters, cancellationToken: Cancel);
        await using var one = Start(first);
        var second = await dapr.AddAppAsync(Apps.Characters, cancellationToken: Cancel);
        await using var two = Start(second);
        await first.ReadyAsync(cancellationToken: Cancel);
        await second.ReadyAsync(cancellationToken: Cancel);

        var jobs = Enumerable.Range(0, Rewards).Select(_ => Guid.NewGuid()).ToArray();
        foreach (var job in jobs)
        {
            var reward = new ScanRewarded(
                job, dapr.Time.GetUtcNow(), job, "u1", new CharacterInfo(Guid.NewGuid(), $"char-{job.ToByteArray()[0] % 3}", "n", "t", "d", null), 10);
            await dapr.Self.PublishAsync(Components.PubSub, ScanTopics.ScanRewarded, reward, TandemJson.Options, Cancel);
        }

        await dapr.RestartAsync(crash: true, Cancel);
        await dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel);

        var owner = await first.GetStateAsync<Owner>(Components.StateStore, "owner:u1", TandemJson.Options, Cancel);
        Assert.Equal(jobs.Order(), owner!.Facts.Select(fact => fact.JobId).Order());
        Assert.Equal(owner.Characters.Count, owner.Characters.Select(character => character.Code).Distinct().Count());
        Assert.NotEqual(0, unanswered.Hits);
        Assert.Equal(2, dapr.Deliveries.Select(delivery => delivery.Instance).Distinct().Count());
    }

    private static WebApplicationFactory<CharactersService> Start(SidecarApp characters)
    {
        var app = new WebApplicationFactory<CharactersService>().WithWebHostBuilder(web => web.UseSidecar(characters));
        app.UseKestrel();
        app.StartServer();
        return app;
    }
}
