using Auth.Revocations;
using Contracts.Identity;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Testing;

namespace Auth.Tests.Revocations;

public sealed class RevocationAnnouncerTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_heartbeat_a_second_counts_without_gaps_together_with_what_is_revoked()
    {
        await using var platform = await AuthPlatform.StartAsync();
        await SequenceAsync(platform, 1);
        await BeatAsync(platform, 1);
        await SequenceAsync(platform, 2);
        await RevokeAsync(platform, "session-1");
        await SequenceAsync(platform, 3);
        await BeatAsync(platform, 3);
        await SequenceAsync(platform, 4);

        var messages = platform.Dapr.Published.Select(RevocationStoreTests.Read).ToArray();
        Assert.Equal([1, 2, 3, 4], messages.Select(message => message.Sequence));
        Assert.Equal([0, 0, 1, 0], messages.Select(message => message.Revocations.Count));
        Assert.Single(messages.Select(message => message.Source).Distinct());
    }

    [Fact]
    public async Task What_could_not_be_published_goes_with_the_next_and_a_number_is_missing()
    {
        await using var platform = await AuthPlatform.StartAsync();
        await SequenceAsync(platform, 1);
        var away = platform.Dapr.Faults.Publishes(IdentityTopics.TokenRevoked).Times(1).Fail();
        await RevokeAsync(platform, "session-1");
        await platform.Dapr.WaitForFaultAsync(away, cancellationToken: AuthPlatform.Cancel);
        await RevokeAsync(platform, "session-2");

        await platform.Dapr.WaitForLogAsync("cannot be published", cancellationToken: AuthPlatform.Cancel);
        await BeatAsync(platform, 2);

        var message = await RevocationStoreTests.AnnouncedAsync(platform, "session-1");
        Assert.Equal(3, message.Sequence);
        Assert.Equal(["session-1", "session-2"], message.Revocations.Select(revocation => revocation.Id));
    }

    [Fact]
    public async Task Beyond_what_can_wait_a_number_is_left_out()
    {
        await using var platform = await AuthPlatform.StartAsync();
        await SequenceAsync(platform, 1);
        var announcer = platform.App.Services.GetRequiredService<RevocationAnnouncer>();
        var now = platform.Time.GetUtcNow();
        announcer.Announce([.. Enumerable.Range(0, RevocationAnnouncer.MaxRevocations + 1).Select(i => new Revocation($"session-{i}", now.AddHours(1), "logout", now))]);

        var message = await RevocationStoreTests.AnnouncedAsync(platform, $"session-{RevocationAnnouncer.MaxRevocations}");
        Assert.Equal(3, message.Sequence);
        Assert.Equal(RevocationAnnouncer.MaxRevocations, message.Revocations.Count);
    }

    [Fact]
    public async Task A_replica_that_stops_says_so_and_another_counts_anew()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var first = await SequenceAsync(platform, 1);
        await platform.App.DisposeAsync();
        var last = await platform.Dapr.WaitForPublishedAsync(
            IdentityTopics.TokenRevoked, message => RevocationStoreTests.Read(message).Leaving, cancellationToken: AuthPlatform.Cancel);
        Assert.Equal((first.Source, 2), (RevocationStoreTests.Read(last).Source, RevocationStoreTests.Read(last).Sequence));

        await platform.StartAppAsync();

        await platform.Dapr.WaitForPublishedAsync(
            IdentityTopics.TokenRevoked, message => RevocationStoreTests.Read(message) is { Sequence: 1 } other && other.Source != first.Source,
            cancellationToken: AuthPlatform.Cancel);
    }

    /// <summary>Lets a second pass once the announcer has paused as often.</summary>
    internal static async Task BeatAsync(AuthPlatform platform, int pauses)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(AuthPlatform.Cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        while (platform.Time.Started(Second) < pauses)
        {
            await Task.Delay(5, patience.Token);
        }

        platform.Time.Advance(Second);
    }

    private static Task RevokeAsync(AuthPlatform platform, string id) => platform.App.Services.GetRequiredService<RevocationStore>()
        .RevokeAsync(id, platform.Time.GetUtcNow().AddHours(3), "logout", AuthPlatform.Cancel);

    private static async Task<TokenRevoked> SequenceAsync(AuthPlatform platform, long sequence)
    {
        bool Is(PublishedMessage message) => RevocationStoreTests.Read(message).Sequence >= sequence;
        return RevocationStoreTests.Read(await platform.Dapr.WaitForPublishedAsync(IdentityTopics.TokenRevoked, Is, cancellationToken: AuthPlatform.Cancel));
    }
}
