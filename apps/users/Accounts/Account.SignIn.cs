using Contracts.Users;

namespace Users.Accounts;

/// <summary>How an account begins and is entered again.</summary>
public sealed partial record Account
{
    private const int MaxNickname = 120;
    private const int MaxAddress = 2048;

    /// <summary>First sign-in; null for guests, who have none.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Picture that the provider had at the first sign-in, an https address.</summary>
    public string? ProfileImageUrl { get; init; }

    /// <summary>The ways by which the person signs in.</summary>
    public IReadOnlyList<LinkedAccount> LinkedAccounts { get; init; } = [];

    /// <summary>Records a sign-in. Nickname and picture of the provider count only for a new account: later they are the person's own choice.</summary>
    public Account SignIn(SignInUser command)
    {
        var account = CreatedAt is not null ? this : this with
        {
            CreatedAt = command.At,
            Nickname = Nickname ?? Cut(command.Nickname),
            ProfileImageUrl = ProfileImageUrl ?? PictureOf(command.ProfileImageUrl),
        };
        var known = LinkedAccounts.FirstOrDefault(link => link.Provider == command.Provider && link.ProviderUserId == command.ProviderUserId);
        var link = known is null
            ? new LinkedAccount(command.Provider, command.ProviderUserId, command.Email, command.At, command.At)
            : known with { Email = command.Email ?? known.Email, LastLoginAt = command.At > known.LastLoginAt ? command.At : known.LastLoginAt };
        return link == known ? account : account with { LinkedAccounts = [.. LinkedAccounts.Where(other => other != known), link] };
    }

    private static string? Cut(string? nickname) => nickname?.Trim() switch
    {
        null or "" => null,
        { Length: > MaxNickname } text => text[..(char.IsHighSurrogate(text[MaxNickname - 1]) ? MaxNickname - 1 : MaxNickname)],
        var text => text,
    };

    /// <summary>Kakao says http where it answers https too; a page of ours must not load from either scheme but https.</summary>
    private static string? PictureOf(string? address)
    {
        var secure = address?.StartsWith("http://", StringComparison.OrdinalIgnoreCase) == true ? $"https://{address["http://".Length..]}" : address;
        return secure is { Length: <= MaxAddress } && Uri.TryCreate(secure, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps ? secure : null;
    }
}
