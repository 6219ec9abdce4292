using Microsoft.Extensions.Options;

namespace Auth.Passwords;

/// <summary>What came of a password.</summary>
internal enum PasswordVerdict
{
    /// <summary>It is the account's.</summary>
    Right,

    /// <summary>It is not, or there is no such account.</summary>
    Wrong,

    /// <summary>Too many wrong ones: it was not looked at.</summary>
    Blocked,

    /// <summary>Too many wait to be checked: it was not looked at.</summary>
    Busy,
}

/// <param name="Verdict">What came of it.</param>
/// <param name="Credential">The account, if there is one and it was looked at.</param>
/// <param name="BlockedUntil">When the next try makes sense.</param>
internal sealed record PasswordResult(PasswordVerdict Verdict, Credential? Credential = null, DateTimeOffset? BlockedUntil = null);

/// <summary>
/// The one place where passwords are checked: refused before hashing after too many wrong ones, one at a time, with the same work whether the account
/// exists or not.
/// </summary>
internal sealed class PasswordCheck(
    LoginTries tries, HashingLimiter limiter, CredentialStore credentials, TimeProvider time, IOptions<PasswordOptions> options)
{
    /// <summary>Checks a password. With <paramref name="create"/> an account that does not exist is made with it, once: what was first stays.</summary>
    public async Task<PasswordResult> RunAsync(string emailHash, string? password, string? address, bool create, CancellationToken cancellationToken)
    {
        // 1. Who is blocked costs two reads and waits for nobody.
        if (await tries.BlockedUntilAsync(emailHash, address, cancellationToken) is { } blocked)
        {
            return new PasswordResult(PasswordVerdict.Blocked, BlockedUntil: blocked);
        }

        // 2. In turn. Counting inside the turn keeps simultaneous tries from fighting for the counters.
        using var turn = await limiter.EnterAsync(cancellationToken);
        if (turn is null)
        {
            return new PasswordResult(PasswordVerdict.Busy);
        }

        if (await tries.CountAsync(emailHash, address, cancellationToken) is { } counted)
        {
            return new PasswordResult(PasswordVerdict.Blocked, BlockedUntil: counted);
        }

        // 3. One hash in every case.
        var text = password ?? "";
        var iterations = options.Value.Iterations;
        var credential = await credentials.FindAsync(emailHash, cancellationToken);
        bool right;
        if (credential is null && create)
        {
            var now = time.GetUtcNow();
            var hash = await limiter.HashAsync(() => PasswordHash.Of(text, iterations));
            credential = await credentials.CreateAsync(emailHash, new Credential(Guid.CreateVersion7(now).ToString("N"), hash, now), cancellationToken);
            right = credential.Password.IsSameAs(hash) || await MatchesAsync(credential.Password, text);
        }
        else
        {
            right = await MatchesAsync(credential?.Password ?? PasswordHash.OfNobody(iterations), text) && credential is not null;
        }

        if (!right)
        {
            return new PasswordResult(PasswordVerdict.Wrong, credential);
        }

        // 4. A right password ends the count, and is stored anew when the parameters have changed.
        await tries.SucceededAsync(emailHash, address, cancellationToken);
        if (credential!.Password.Iterations != iterations)
        {
            var hash = await limiter.HashAsync(() => PasswordHash.Of(text, iterations));
            credential = await credentials.ReplaceAsync(emailHash, credential, hash, credential.ChangedAt, cancellationToken) ?? credential;
        }

        return new PasswordResult(PasswordVerdict.Right, credential);
    }

    /// <summary>Hashes a new password; null when too many wait.</summary>
    public async Task<PasswordHash?> HashAsync(string password, CancellationToken cancellationToken)
    {
        using var turn = await limiter.EnterAsync(cancellationToken);
        return turn is null ? null : await limiter.HashAsync(() => PasswordHash.Of(password, options.Value.Iterations));
    }

    private Task<bool> MatchesAsync(PasswordHash hash, string password) => limiter.HashAsync(() => hash.Matches(password));
}
