using Contracts;
using Contracts.Characters;
using Contracts.Scan;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using ServiceDefaults;
using Sidecar.Testing;
using Users.Accounts;

namespace Users.Tests;

/// <summary>users on a whole sidecar whose deliveries and state writes go wrong in every way at once.</summary>
public sealed class RewardDeliveryTests
{
    private const int Rewards = 40;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_reward_counts_once_whatever_happens_on_its_way(int seed)
    {
        await using var dapr = await SidecarHost.StartAsync(options =>
        {
            options.Seed = seed;
            options.AddYaml(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "resiliency.yaml")));
        }, Cancel);
        var reordered = dapr.Faults.Deliveries(ScanTopics.ScanRewarded).Times(Rewards).Reorder(window: 5);
        var dropped = dapr.Faults.Deliveries(ScanTopics.ScanRewarded).WithProbability(0.2).Drop();
        var doubled = dapr.Faults.Deliveries(ScanTopics.ScanRewarded).WithProbability(0.3).DuplicateAtOnce();
        var refused = dapr.Faults.StateWrites(Components.StateStore, "user:u1").WithProbability(0.1).Fail();
        var unanswered = dapr.Faults.StateWrites(Components.StateStore, "user:u1").WithProbability(0.1).FailAfterwards();
        var overtaken = dapr.Faults.StateWrites(Components.StateStore, "user:u1").WithProbability(0.1).Conflict();
        var users = await dapr.AddAppAsync(Apps.Users, cancellationToken: Cancel);
        await using var app = Start(users);
        await users.ReadyAsync(cancellationToken: Cancel);

        var jobs = Enumerable.Range(0, Rewards).Select(_ => Guid.NewGuid()).ToArray();
        foreach (var job in jobs)
        {
            var reward = new ScanRewarded(
                job, DateTimeOffset.UnixEpoch, job, "u1", new CharacterInfo(Guid.NewGuid(), "char-petty", "n", "t", "d", null), Points: 10);
            await dapr.Self.PublishAsync(Components.PubSub, ScanTopics.ScanRewarded, reward, TandemJson.Options, Cancel);
        }

        await dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel);

        var account = await users.GetStateAsync<Account>(Components.StateStore, "user:u1", TandemJson.Options, Cancel);
        Assert.Equal(Rewards * 10, account!.Points);
        Assert.Equal(jobs.Order(), account.Ledger.Select(entry => entry.SourceId).Order());
        Assert.Single(account.Characters);
        Assert.All([reordered, dropped, doubled, refused, unanswered, overtaken], fault => Assert.NotEqual(0, fault.Hits));
        Assert.DoesNotContain(dapr.Published, message => message.Topic.EndsWith("-dead", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_reward_that_cannot_be_stored_is_kept_as_a_dead_letter()
    {
        await using var dapr = await SidecarHost.StartAsync(
            options => options.AddYaml(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "resiliency.yaml"))), Cancel);
        var users = await dapr.AddAppAsync(Apps.Users, cancellationToken: Cancel);
        await using var app = Start(users);
        await users.ReadyAsync(cancellationToken: Cancel);
        dapr.Faults.StateWrites(Components.StateStore, "user:u1").Always().Fail();

        var job = Guid.NewGuid();
        var reward = new ScanRewarded(job, DateTimeOffset.UnixEpoch, job, "u1", new CharacterInfo(Guid.NewGuid(), "char-petty", "n", "t", "d", null), 10);
        await dapr.Self.PublishAsync(Components.PubSub, ScanTopics.ScanRewarded, reward, TandemJson.Options, Cancel);
        await dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel);

        var letter = await dapr.WaitForPublishedAsync(DeadLetterExtensions.DeadLetterTopic(ScanTopics.ScanRewarded, Apps.Users), cancellationToken: Cancel);
        Assert.Equal(job, letter.Payload<ScanRewarded>(TandemJson.Options)!.JobId);
        Assert.Null(await users.GetStateAsync<Account>(Components.StateStore, "user:u1", TandemJson.Options, Cancel));
    }

    private static WebApplicationFactory<UsersService> Start(SidecarApp users)
    {
        var app = new WebApplicationFactory<UsersService>().WithWebHostBuilder(web => web.UseSidecar(users));
        app.UseKestrel();
        app.StartServer();
        return app;
    }
}
