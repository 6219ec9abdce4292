using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Users.Erasures;

/// <summary>
/// Erasures and the index of those that are pending. An erasure is listed before its document exists and taken off after it is complete, so a
/// crash in between leaves a line too many, which the next round takes off.
/// </summary>
internal sealed class ErasureStore(DaprClient dapr, TimeProvider time, IOptions<UsersOptions> options)
{
    /// <summary>Part of the stored format.</summary>
    private const int Shards = 16;

    /// <summary>Age from which a listed erasure without a document is one that was never begun.</summary>
    private static readonly TimeSpan Unbegun = TimeSpan.FromMinutes(1);

    /// <summary>Begins the erasure, or returns the one that exists. When this returns it will be completed, whatever dies.</summary>
    public async Task<Erasure> BeginAsync(string userId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await dapr.UpdateStateAsync<ErasureShard>(
            Components.StateStore, ShardKey(ShardOf(userId)),
            stored => stored?.Erasures.Any(listed => listed.UserId == userId) == true ? stored
                : new ErasureShard([.. stored?.Erasures ?? [], new ListedErasure(userId, now)]),
            cancellationToken: cancellationToken);
        return await dapr.UpdateStateAsync<Erasure>(
            Components.StateStore, Key(userId),
            stored => stored ?? new Erasure(userId, now, [Apps.Users, .. options.Value.Holders], 1, now + options.Value.ErasureRetry),
            cancellationToken: cancellationToken);
    }

    public async Task<Erasure?> FindAsync(string userId, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<Erasure?>(Components.StateStore, Key(userId), cancellationToken: cancellationToken);

    /// <summary>An app is done; null when nothing is known of such an erasure (any more). Returns whether this was the last one, too.</summary>
    public async Task<(Erasure? Erasure, bool Completed)> ReportAsync(string userId, string app, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var completed = false;
        var erasure = await dapr.UpdateStateAsync<Erasure>(
            Components.StateStore, Key(userId),
            stored =>
            {
                var reported = stored?.Report(app, now);
                completed = !ReferenceEquals(reported, stored) && reported!.CompletedAt is not null;
                return reported!;
            },
            // A receipt is kept for a while, what is pending until it is complete.
            reported => reported.CompletedAt is null ? null : options.Value.ErasureKept, cancellationToken);
        if (completed)
        {
            await UnlistAsync(userId, cancellationToken);
        }

        return (erasure, completed);
    }

    /// <summary>Takes the turn to announce an erasure again; null when it is not due, complete, or another replica's turn.</summary>
    public async Task<Erasure?> TryTakeTurnAsync(string userId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var (stored, etag) = await dapr.GetStateAndETagAsync<Erasure?>(Components.StateStore, Key(userId), cancellationToken: cancellationToken);
        if (stored is not { CompletedAt: null } || stored.NextAt > now)
        {
            return null;
        }

        var settings = options.Value;
        var wait = settings.ErasureRetry * Math.Pow(2, Math.Min(stored.Announced, 30));
        var taken = stored with { Announced = stored.Announced + 1, NextAt = now + (wait < settings.MaxErasureRetry ? wait : settings.MaxErasureRetry) };
        var isTaken = await dapr.TrySaveStateAsync(
            Components.StateStore, Key(userId), taken, etag, new StateOptions { Concurrency = ConcurrencyMode.FirstWrite }, cancellationToken: cancellationToken);
        return isTaken ? taken : null;
    }

    /// <summary>All erasures that are pending, oldest first. Takes off the index what is complete or was never begun.</summary>
    public async Task<IReadOnlyList<Erasure>> ListPendingAsync(CancellationToken cancellationToken)
    {
        var pending = new List<Erasure>();
        for (var shard = 0; shard < Shards; shard++)
        {
            var document = await dapr.GetStateAsync<ErasureShard?>(Components.StateStore, ShardKey(shard), cancellationToken: cancellationToken);
            foreach (var listed in document?.Erasures ?? [])
            {
                var erasure = await FindAsync(listed.UserId, cancellationToken);
                if (erasure is { CompletedAt: null })
                {
                    pending.Add(erasure);
                }
                else if (erasure is not null || time.GetUtcNow() - listed.RequestedAt > Unbegun)
                {
                    await UnlistAsync(listed.UserId, cancellationToken);
                }
            }
        }

        return [.. pending.OrderBy(erasure => erasure.RequestedAt)];
    }

    private Task UnlistAsync(string userId, CancellationToken cancellationToken) => dapr.UpdateStateAsync<ErasureShard>(
        Components.StateStore, ShardKey(ShardOf(userId)),
        stored => stored is null ? new ErasureShard([])
            : stored.Erasures.Any(listed => listed.UserId == userId) ? new ErasureShard([.. stored.Erasures.Where(listed => listed.UserId != userId)])
            : stored,
        cancellationToken: cancellationToken);

    /// <summary>The same in every replica and version.</summary>
    private static int ShardOf(string userId) => Uuid5.Create(Uuid5.Dns, userId).ToByteArray()[0] % Shards;

    private static string Key(string userId) => $"erasure:{userId}";

    private static string ShardKey(int shard) => $"erasures:{shard}";
}
