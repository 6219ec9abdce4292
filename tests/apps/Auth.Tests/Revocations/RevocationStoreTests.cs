using Auth.Revocations;
using Contracts;
using Contracts.Identity;
using Dapr;
using Dapr.Client;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults;
using ServiceDefaults.Identity;
using Sidecar.Testing;
using TestKit;

namespace Auth.Tests.Revocations;

public sealed class RevocationStoreTests
{
    [Fact]
    public async Task A_revocation_is_in_its_document_and_then_announced()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var end = platform.Time.GetUtcNow().AddHours(3);

        await platform.Store().RevokeAsync("session-1", end, "logout", AuthPlatform.Cancel);

        var stored = Assert.Single((await ReadAsync(platform, end, "session-1"))!.Revocations);
        Assert.Equal(("session-1", end, "logout"), (stored.Id, stored.ExpiresAt, stored.Reason));
        Assert.Equal(stored, Assert.Single((await platform.AnnouncedAsync("session-1")).Revocations));
    }

    [Fact]
    public async Task The_same_id_is_stored_once_and_announced_again()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var end = platform.Time.GetUtcNow().AddHours(3);

        await platform.Store().RevokeAsync("session-1", end, "logout", AuthPlatform.Cancel);
        await platform.Store().RevokeAsync("session-1", end, "logout", AuthPlatform.Cancel);

        Assert.Single((await ReadAsync(platform, end, "session-1"))!.Revocations);
    }

    [Fact]
    public async Task What_has_expired_is_not_stored()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var end = platform.Time.GetUtcNow().AddMinutes(-1);

        await platform.Store().RevokeAsync("session-1", end, "logout", AuthPlatform.Cancel);

        Assert.Null(await ReadAsync(platform, end, "session-1"));
    }

    [Fact]
    public async Task An_end_beyond_the_longest_access_token_is_cut_to_what_readers_look_at()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var now = platform.Time.GetUtcNow();

        await platform.Store().RevokeAsync("session-1", now.AddDays(30), "logout", AuthPlatform.Cancel);

        Assert.Equal(now.AddDays(1), Assert.Single((await ReadAsync(platform, now.AddDays(1), "session-1"))!.Revocations).ExpiresAt);
    }

    [Fact]
    public async Task Many_at_once_are_one_write_per_document()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var writes = platform.Dapr.Faults.StateWrites(Components.Revocations).Always().Do((_, proceed, _) => proceed());
        var end = platform.Time.GetUtcNow().AddHours(3);
        var ids = Enumerable.Range(0, 200).Select(i => ($"session-{i}", end)).ToArray();

        await platform.Store().RevokeAsync(ids, "logout_everywhere", AuthPlatform.Cancel);

        Assert.InRange(writes.Hits, 1, RevocationDocument.Parts);
        foreach (var (id, _) in ids)
        {
            Assert.Contains((await ReadAsync(platform, end, id))!.Revocations, revocation => revocation.Id == id);
        }
    }

    [Fact]
    public async Task A_full_document_is_sealed_and_nothing_of_it_is_lost()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var end = platform.Time.GetUtcNow().AddHours(3);
        var ids = Enumerable.Range(0, 100_000).Select(i => $"session-{i}").Where(id => RevocationKeys.PartOf(id) == 0)
            .Take((2 * RevocationKeys.MaxEntries) + 10).ToArray();

        foreach (var chunk in ids.Chunk(50))
        {
            await platform.Store().RevokeAsync([.. chunk.Select(id => (id, end))], "user_deleted", AuthPlatform.Cancel);
        }

        var head = await ReadAsync(platform, end, ids[0]);
        Assert.Equal((2, 10), (head!.Sealed, head.Revocations.Count));
        var key = RevocationKeys.Of(RevocationKeys.HourOf(end), 0);
        var read = head.Revocations.ToList();
        for (var number = 1; number <= head.Sealed; number++)
        {
            read.AddRange((await StateAsync(platform, RevocationKeys.Sealed(key, number)))!.Revocations);
        }

        Assert.Equal(ids.Order(), read.Select(revocation => revocation.Id).Order());
    }

    [Fact]
    public async Task Replicas_that_revoke_at_once_keep_what_the_other_wrote()
    {
        // The keys are the same in every run: with this seed no update can lose as often as it tries, whoever is faster.
        await using var platform = await AuthPlatform.StartAsync(options => options.Seed = 7);
        platform.Dapr.Faults.StateWrites(Components.Revocations).WithProbability(0.3).Always().Conflict();
        var end = platform.Time.GetUtcNow().AddHours(3);
        // A second store has gates of its own, as another process has.
        var other = ActivatorUtilities.CreateInstance<RevocationStore>(platform.App.Services);

        await Task.WhenAll(Enumerable.Range(0, 60).Select(i =>
            (i % 2 == 0 ? other : platform.Store()).RevokeAsync($"session-{i}", end, "logout", AuthPlatform.Cancel)));

        for (var i = 0; i < 60; i++)
        {
            Assert.Contains((await ReadAsync(platform, end, $"session-{i}"))!.Revocations, revocation => revocation.Id == $"session-{i}");
        }
    }

    [Fact]
    public async Task Nobody_is_told_that_something_is_revoked_while_the_store_has_it_not()
    {
        await using var platform = await AuthPlatform.StartAsync();
        platform.Dapr.Faults.StateWrites(Components.Revocations).Always().Fail();
        var end = platform.Time.GetUtcNow().AddHours(3);

        await Assert.ThrowsAsync<DaprException>(() => platform.Store().RevokeAsync("session-1", end, "logout", AuthPlatform.Cancel));

        await platform.BeatAsync(1);
        await platform.HeardAsync(message => message.Sequence >= 2);
        Assert.All(platform.Dapr.Published, message => Assert.Empty(RevocationSteps.Read(message).Revocations));
    }

    [Fact]
    public async Task A_document_lives_until_its_hour_and_the_leeway_have_passed()
    {
        await using var platform = await AuthPlatform.StartAsync(options => options.StartTime = new ManualTimeProvider().GetUtcNow());
        var end = platform.Time.GetUtcNow().AddHours(3);
        await platform.Store().RevokeAsync("session-1", end, "logout", AuthPlatform.Cancel);

        var gone = RevocationKeys.EndOf(RevocationKeys.HourOf(end)) - platform.Time.GetUtcNow();
        platform.Dapr.Clock.Advance(gone + TimeSpan.FromSeconds(10));
        Assert.NotNull(await ReadAsync(platform, end, "session-1"));
        platform.Dapr.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(await ReadAsync(platform, end, "session-1"));
    }

    private static Task<RevocationDocument?> ReadAsync(AuthPlatform platform, DateTimeOffset end, string id) =>
        StateAsync(platform, RevocationKeys.Of(RevocationKeys.HourOf(end), RevocationKeys.PartOf(id)));

    private static Task<RevocationDocument?> StateAsync(AuthPlatform platform, string key) =>
        platform.App.Services.GetRequiredService<DaprClient>().GetStateAsync<RevocationDocument?>(
            Components.Revocations, key, cancellationToken: AuthPlatform.Cancel);
}
