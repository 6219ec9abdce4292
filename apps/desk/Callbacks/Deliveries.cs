using System.Security.Cryptography;
using System.Text;
using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Desk.Callbacks;

/// <summary>The logs of deliveries, and the receivers that want nothing any more. Every change is idempotent by message and attempt.</summary>
public sealed class Deliveries(DaprClient dapr, IOptions<CallbackOptions> options, TimeProvider time)
{
    /// <summary>Callbacks that a user's list names; the oldest go first, and then only their own time ends them.</summary>
    private const int MaxListed = 1000;

    public async Task<Delivery?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<Delivery?>(Components.StateStore, Key(id), cancellationToken: cancellationToken);

    /// <summary>
    /// Notes a new delivery; a known one stays as it is. Listed first: what is not listed cannot be erased. Null when its owner has deleted the account.
    /// </summary>
    public async Task<Delivery?> AddAsync(Guid id, string userId, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var gone = time.GetUtcNow() - options.Value.LogKept;
        var listed = await UpdateListAsync(
            userId,
            stored => stored.ErasedAt is not null || stored.Callbacks.Any(known => known.Id == id) ? stored
                : stored with { Callbacks = [new ListedCallback(id, at), .. stored.Callbacks.Where(known => known.CreatedAt > gone).Take(MaxListed - 1)] },
            options.Value.LogKept, cancellationToken);
        if (listed.ErasedAt is not null)
        {
            return null;
        }

        var delivery = await UpdateAsync(id, stored => stored ?? new Delivery(id, userId, at, DeliveryState.Pending, []), cancellationToken);
        // An erasure may have passed the log before it was there.
        if (await dapr.GetStateAsync<UserCallbacks?>(Components.StateStore, ListKey(userId), cancellationToken: cancellationToken) is { ErasedAt: not null })
        {
            await dapr.DeleteStateAsync(Components.StateStore, Key(id), cancellationToken: cancellationToken);
            return null;
        }

        return delivery;
    }

    /// <summary>From now on nothing of the user's is noted. Deletes what was.</summary>
    public async Task<int> EraseAsync(string userId, DateTimeOffset at, TimeSpan kept, CancellationToken cancellationToken)
    {
        var erased = await UpdateListAsync(userId, stored => stored.ErasedAt is not null ? stored : stored with { ErasedAt = at }, kept, cancellationToken);
        foreach (var callback in erased.Callbacks)
        {
            await dapr.DeleteStateAsync(Components.StateStore, Key(callback.Id), cancellationToken: cancellationToken);
        }

        // The mark alone stays.
        await UpdateListAsync(userId, stored => stored.Callbacks.Count == 0 ? stored : stored with { Callbacks = [] }, kept, cancellationToken);
        return erased.Callbacks.Count;
    }

    /// <summary>Notes an attempt, and with it the end where it has succeeded; made again, after a crash, it takes the place of the first.</summary>
    public Task AddAttemptAsync(Guid id, DeliveryAttempt attempt, bool isDelivered, CancellationToken cancellationToken) => ChangeAsync(
        id,
        stored => stored with
        {
            State = isDelivered ? DeliveryState.Delivered : stored.State,
            Attempts = [.. stored.Attempts.Where(known => known.Number != attempt.Number).Append(attempt).TakeLast(Delivery.MaxAttempts)],
        },
        cancellationToken);

    /// <summary>Notes that no attempt is made any more.</summary>
    public Task GiveUpAsync(Guid id, CancellationToken cancellationToken) =>
        ChangeAsync(id, stored => stored.State == DeliveryState.Dead ? stored : stored with { State = DeliveryState.Dead }, cancellationToken);

    /// <summary>Notes that the attempts begin anew.</summary>
    public Task BeginAgainAsync(Guid id, CancellationToken cancellationToken) =>
        ChangeAsync(id, stored => stored.State == DeliveryState.Pending ? stored : stored with { State = DeliveryState.Pending, Attempts = [] }, cancellationToken);

    /// <summary>Whether the receiver has answered 410 to anything.</summary>
    public async Task<bool> IsGoneAsync(string url, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<GoneReceiver?>(Components.StateStore, ReceiverKey(url), cancellationToken: cancellationToken) is not null;

    /// <summary>Nothing is sent to the receiver any more, until somebody replays a message to it.</summary>
    public Task SetGoneAsync(string url, DateTimeOffset at, CancellationToken cancellationToken) => dapr.SaveStateAsync(
        Components.StateStore, ReceiverKey(url), new GoneReceiver(at), metadata: Ttl(), cancellationToken: cancellationToken);

    /// <summary>The receiver gets messages again.</summary>
    public Task ForgetGoneAsync(string url, CancellationToken cancellationToken) =>
        dapr.DeleteStateAsync(Components.StateStore, ReceiverKey(url), cancellationToken: cancellationToken);

    /// <summary>Its owner may have been erased meanwhile: then there is nothing to note.</summary>
    private Task ChangeAsync(Guid id, Func<Delivery, Delivery> change, CancellationToken cancellationToken) =>
        UpdateAsync(id, stored => stored is null ? null! : change(stored), cancellationToken);

    private Task<Delivery> UpdateAsync(Guid id, Func<Delivery?, Delivery> change, CancellationToken cancellationToken) =>
        dapr.UpdateStateAsync(Components.StateStore, Key(id), change, options.Value.LogKept, cancellationToken);

    private Task<UserCallbacks> UpdateListAsync(string userId, Func<UserCallbacks, UserCallbacks> change, TimeSpan kept, CancellationToken cancellationToken) =>
        dapr.UpdateStateAsync<UserCallbacks>(
            Components.StateStore, ListKey(userId), stored => change(stored ?? UserCallbacks.Empty), kept, cancellationToken);

    private Dictionary<string, string> Ttl() => new() { ["ttlInSeconds"] = ((long)options.Value.LogKept.TotalSeconds).ToString("D") };

    private static string Key(Guid id) => $"delivery:{id}";

    private static string ListKey(string userId) => $"callbacks:{userId}";

    /// <summary>A hash: an address may hold what is secret to its owner.</summary>
    private static string ReceiverKey(string url) => $"receiver:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(url)))}";

    private sealed record GoneReceiver(DateTimeOffset At);

    private sealed record ListedCallback(Guid Id, DateTimeOffset CreatedAt);

    /// <summary>The document <c>callbacks:{user}</c>: what an erasure goes by.</summary>
    private sealed record UserCallbacks(IReadOnlyList<ListedCallback> Callbacks, DateTimeOffset? ErasedAt = null)
    {
        public static readonly UserCallbacks Empty = new([]);
    }
}
