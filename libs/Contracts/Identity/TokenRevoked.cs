namespace Contracts.Identity;

/// <summary>Topics of auth on component <see cref="Components.Broadcast"/>.</summary>
public static class IdentityTopics
{
    /// <summary><see cref="TokenRevoked"/>: a hint, and once a second a heartbeat; the truth is in the documents of <see cref="Components.Revocations"/>.</summary>
    public const string TokenRevoked = "token-revoked";
}

/// <summary>Something was revoked: a session (claim <c>sid</c>, also of an API key) or one token (claim <c>jti</c>).</summary>
/// <param name="Id">Session or token id.</param>
/// <param name="ExpiresAt">When the last token that it concerns has expired.</param>
/// <param name="Reason"><c>logout</c>, <c>logout_everywhere</c>, <c>refresh_reused</c>, <c>key_revoked</c>, <c>user_deleted</c>, <c>roles_changed</c>,
/// <c>password_changed</c> and others.</param>
/// <param name="At">When it was revoked.</param>
public sealed record Revocation(string Id, DateTimeOffset ExpiresAt, string Reason, DateTimeOffset At);

/// <summary>Published by every replica of auth once a second, and at once after a revocation was stored.</summary>
/// <param name="Source">The replica's own id, new with every start.</param>
/// <param name="Sequence">Counts the messages of the source from 1, without gaps: a gap means that one was lost.</param>
/// <param name="Ts">When it was published.</param>
/// <param name="Revocations">New ones since the message before; none in a mere heartbeat.</param>
/// <param name="Leaving">The last one: the replica stops and revokes no more.</param>
public sealed record TokenRevoked(Guid Source, long Sequence, DateTimeOffset Ts, IReadOnlyList<Revocation> Revocations, bool Leaving = false);

/// <summary>The stored revocations whose tokens expire within one hour: the document <c>revoked:{hour}:{part}</c>, kept until that hour has passed.</summary>
/// <param name="Revocations">By time of revocation.</param>
/// <param name="Sealed">
/// How many full documents <c>revoked:{hour}:{part}:{1…}</c> came before; each was written before it was counted here and never changes.
/// </param>
public sealed record RevocationDocument(IReadOnlyList<Revocation> Revocations, int Sealed = 0)
{
    /// <summary>Documents of one hour; an id is in part (hash of id) mod this.</summary>
    public const int Parts = 16;
}
