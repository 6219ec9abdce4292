using Sidecar.Abstractions;

namespace Sidecar.Conformance.Tests;

/// <summary>What every lock store does.</summary>
public abstract class LockConformance<TFixture> : IAsyncLifetime where TFixture : ILockFixture, new()
{
    private static readonly TimeSpan Expiry = TimeSpan.FromSeconds(30);
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
    public async Task An_expired_lock_is_free()
    {
        Assert.SkipWhen(_fixture.Clock is null, "the store has its own clock");
        await _store.TryLockAsync("resource", "a", Expiry, default);

        _fixture.Clock!.Advance(Expiry);

        Assert.True(await _store.TryLockAsync("resource", "b", Expiry, default));
        Assert.Equal(UnlockStatus.LockBelongsToOthers, await _store.UnlockAsync("resource", "a", default));
    }

    [Fact]
    public async Task One_of_many_gets_the_lock()
    {
        var other = await _fixture.LockStoreAsync();
        var tries = Enumerable.Range(0, 20).Select(i => Task.Run(() => (i % 2 == 0 ? _store : other).TryLockAsync("resource", $"{i}", Expiry, default).AsTask()));

        Assert.Single(await Task.WhenAll(tries), true);
    }
}
