using Auth.Revocations;
using Contracts.Identity;
using Microsoft.Extensions.DependencyInjection;

namespace Auth.Tests.Revocations;

public sealed class RevocationAnnouncerTests
{
    [Fact]
    public async Task A_heartbeat_a_second_counts_without_gaps_together_with_what_is_revoked()
    {
        await using var platform = await AuthPlatform.StartAsync();
        await SequenceAsync(platform, 1);
        await platform.BeatAsync(1);
        await SequenceAsync(platform, 2);
        await platform.RevokeAsync("session-1");
        await SequenceAsync(platform, 3);
        await platform.BeatAsync(3);
        await SequenceAsync(platform, 4);

        var messages = platform.Dapr.Published.Select(RevocationSteps.Read).ToArray();
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
        await platform.RevokeAsync("session-1");
        await platform.Dapr.WaitForFaultAsync(away, cancellationToken: AuthPlatform.Cancel);
        await platform.RevokeAsync("session-2");

        await platform.Dapr.WaitForLogAsync("cannot be published", cancellationToken: AuthPlatform.Cancel);
        await platform.BeatAsync(2);

        var message = await platform.AnnouncedAsync("session-1");
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

        var message = await platform.AnnouncedAsync($"session-{RevocationAnnouncer.MaxRevocations}");
        Assert.Equal(3, message.Sequence);
        Assert.Equal(RevocationAnnouncer.MaxRevocations, message.Revocations.Count);
    }

    [Fact]
    public async Task A_replica_that_stops_says_so_and_another_counts_anew()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var first = await SequenceAsync(platform, 1);
        await platform.App.DisposeAsync();
        var last = await platform.HeardAsync(message => message.Leaving);
        Assert.Equal((first.Source, 2), (last.Source, last.Sequence));

        await platform.StartAppAsync();

        await platform.HeardAsync(message => message.Sequence == 1 && message.Source != first.Source);
    }

    private static Task<TokenRevoked> SequenceAsync(AuthPlatform platform, long sequence) => platform.HeardAsync(message => message.Sequence >= sequence);
}
