using System.Diagnostics;
using Sidecar.Abstractions;

namespace Sidecar.Conformance.Tests;

/// <summary>What every lock store does.</summary>
public abstract class LockConformance<TFixture> : IAsyncLifetime where TFixture : ILockFixture, new()
{
    private static readonly TimeSpan Expiry = TimeSpan.FromSeconds(30);

    /// <summary>Short enough to be waited for where the server has its own clock.</summary>
    private static readonly TimeSpan ShortExpiry = TimeSpan.FromSeconds(2);

    private readonly TFixture _fixture = new();
    private ILockStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await _fixture.LockStoreAsync();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_held_lock_is_refused_until_it_is_given_back()
    {
        Assert.True(await _store.TryLockAsync("resource", "a", Expiry, default));
        Assert.False(await _store.TryLockAsync("resource", "b", Expiry, default));
        Assert.Equal(UnlockStatus.Success, await _store.UnlockAsync("resource", "a", default));
        Assert.True(await _store.TryLockAsync("resource", "b", Expiry, default));
    }

    [Fact]
    public async Task Only_the_owner_unlocks()
    {
        Assert.Equal(UnlockStatus.LockDoesNotExist, await _store.UnlockAsync("resource", "a", default));
        await _store.TryLockAsync("resource", "a", Expiry, default);
        Assert.Equal(UnlockStatus.LockBelongsToOthers, await _store.UnlockAsync("resource", "b", default));
    }

    [Fact]
    public async Task A_lock_is_taken_once_also_by_its_owner()
    {
        Assert.True(await _store.TryLockAsync("resource", "a", Expiry, default));
        Assert.False(await _store.TryLockAsync("resource", "a", Expiry, default));
    }

    [Fact]
    public async Task An_expired_lock_is_free_and_its_late_holder_cannot_give_back_the_next_ones()
    {
        var began = Stopwatch.GetTimestamp();
        await _store.TryLockAsync("resource", "a", ShortExpiry, default);

        await UntilLockedAsync("resource", "b", began);

        Assert.Equal(UnlockStatus.LockBelongsToOthers, await _store.UnlockAsync("resource", "a", default));
        Assert.Equal(UnlockStatus.Success, await _store.UnlockAsync("resource", "b", default));
    }

    [Fact]
    public async Task A_lock_is_held_for_its_whole_time()
    {
        var began = Stopwatch.GetTimestamp();
        await _store.TryLockAsync("resource", "a", ShortExpiry, default);

        await UntilLockedAsync("resource", "b", began);

        Assert.True(_fixture.Clock is not null || IsOver(began));
    }

    [Fact]
    public async Task One_that_expired_unnoticed_is_held_by_nobody()
    {
        await _store.TryLockAsync("resource", "a", ShortExpiry, default);
        var began = Stopwatch.GetTimestamp();
        await _store.TryLockAsync("later", "a", ShortExpiry, default);

        await UntilLockedAsync("later", "b", began);

        Assert.Equal(UnlockStatus.LockDoesNotExist, await _store.UnlockAsync("resource", "a", default));
    }

    [Fact]
    public async Task One_of_many_gets_the_lock()
    {
        var other = await _fixture.LockStoreAsync();
        var tries = Enumerable.Range(0, 20).Select(i => Task.Run(() => (i % 2 == 0 ? _store : other).TryLockAsync("resource", $"{i}", Expiry, default).AsTask()));

        Assert.Single(await Task.WhenAll(tries), true);
    }

    /// <summary>Tries until the holder's time is over, which had not begun yet at <paramref name="began"/>.</summary>
    private async Task UntilLockedAsync(string resource, string owner, long began)
    {
        if (await _store.TryLockAsync(resource, owner, Expiry, default))
        {
            // It was asked for too late to be refused.
            Assert.True(_fixture.Clock is null && IsOver(began));
            return;
        }

        _fixture.Clock?.Advance(ShortExpiry);
        await Wait.UntilAsync(async () => await _store.TryLockAsync(resource, owner, Expiry, default));
    }

    /// <summary>Whether the time of a lock can be over that was taken after this moment; the server's clock is not the test's.</summary>
    private static bool IsOver(long began) => Stopwatch.GetElapsedTime(began) >= ShortExpiry - TimeSpan.FromMilliseconds(10);
}
