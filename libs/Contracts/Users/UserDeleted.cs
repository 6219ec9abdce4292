namespace Contracts.Users;

/// <summary>Topics of users on component <see cref="Components.PubSub"/>.</summary>
public static class UserTopics
{
    /// <summary><see cref="UserDeleted"/>, published again until every app has erased what it holds.</summary>
    public const string UserDeleted = "user-deleted";
}

/// <summary>An account was deleted: every app erases what it holds of the person and says so by <see cref="UserErased"/>. Key: <see cref="UserId"/>.</summary>
/// <param name="Id">Event id: UUIDv5 of the user id and the topic.</param>
/// <param name="Ts">When it was deleted.</param>
/// <param name="UserId">Whose.</param>
public sealed record UserDeleted(Guid Id, DateTimeOffset Ts, string UserId);

/// <summary>To users, <c>POST /internal/users/erasures/{user id}</c>: the calling app holds nothing of the person any more. May be repeated.</summary>
/// <param name="App">App id of the caller.</param>
/// <param name="At">When it was done.</param>
public sealed record UserErased(string App, DateTimeOffset At);
