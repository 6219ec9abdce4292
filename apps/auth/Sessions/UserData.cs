namespace Auth.Sessions;

/// <summary>What a part of auth keeps about people; each part registers one.</summary>
internal interface IUserData
{
    /// <summary>Forgets everything about a person. Idempotent by user id.</summary>
    Task EraseAsync(string userId, CancellationToken cancellationToken);
}

/// <summary>Ends the sessions of somebody whose account was deleted. What stays until its tokens would have expired names no device.</summary>
internal sealed class SessionData(SessionService sessions, SessionIndex index) : IUserData
{
    public async Task EraseAsync(string userId, CancellationToken cancellationToken)
    {
        await sessions.EndAllAsync(userId, EndReasons.UserDeleted, cancellationToken);
        await index.DeleteAsync(userId, cancellationToken);
    }
}
