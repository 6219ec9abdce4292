using ServiceDefaults;
using Contracts.Users;

namespace Users.Erasures;

/// <summary>
/// The erasure of a person's data in all apps: the document <c>erasure:{user}</c>. It says nothing of the person but that there was one, so when
/// it is complete it stays as the receipt.
/// </summary>
/// <param name="UserId">Whose.</param>
/// <param name="RequestedAt">When the person deleted the account.</param>
/// <param name="Pending">App ids that have not said yet that they hold nothing more; users among them until its own part is done.</param>
/// <param name="Announced">How often the other apps were told, at least as begun.</param>
/// <param name="NextAt">When they are told again.</param>
/// <param name="CompletedAt">When the last app was done.</param>
public sealed record Erasure(
    string UserId, DateTimeOffset RequestedAt, IReadOnlyList<string> Pending, int Announced, DateTimeOffset NextAt, DateTimeOffset? CompletedAt = null)
{
    /// <summary>An app is done. The same instance when that is known.</summary>
    public Erasure Report(string app, DateTimeOffset now)
    {
        if (!Pending.Contains(app))
        {
            return this;
        }

        string[] left = [.. Pending.Where(pending => pending != app)];
        return this with { Pending = left, CompletedAt = left.Length == 0 ? now : null };
    }

    /// <summary>What the other apps are told: the same event however often.</summary>
    public UserDeleted ToEvent() => new(Uuid5.Create(Uuid5.Dns, $"{UserTopics.UserDeleted}:{UserId}"), RequestedAt, UserId);
}

/// <summary>An erasure that may be pending, as the index lists it.</summary>
public sealed record ListedErasure(string UserId, DateTimeOffset RequestedAt);

/// <summary>One shard of the index of pending erasures: the document <c>erasures:{shard}</c>.</summary>
public sealed record ErasureShard(IReadOnlyList<ListedErasure> Erasures);
