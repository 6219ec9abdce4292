namespace IdentityProviders;

/// <summary>Somebody who has an account at the provider.</summary>
/// <param name="Id">A number in digits: Kakao's ids are numbers.</param>
/// <param name="Email">None if the person does not give it away.</param>
/// <param name="Nickname">Shown name.</param>
/// <param name="Picture">Address of a picture.</param>
public sealed record Person(string Id, string? Email, string? Nickname, string? Picture)
{
    /// <summary>Who signs in when nobody is named.</summary>
    public static Person Ann { get; } = new("1001", "ann@example.org", "Ann", "https://example.org/ann.png");
}
