namespace Users.Accounts;

/// <summary>What an account says of itself, and how it ends.</summary>
public sealed partial record Account
{
    /// <summary>When the person deleted the account. The rest is empty then: the document only keeps what comes late from bringing it back.</summary>
    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>The way of signing in that somebody who came by <paramref name="provider"/> is told of: that one, else the one used last (eco §2.2).</summary>
    public LinkedAccount? Shown(string provider) =>
        LinkedAccounts.FirstOrDefault(link => link.Provider == provider) ?? LinkedAccounts.MaxBy(link => link.LastLoginAt);
}
