using System.Security.Cryptography;
using System.Text;

namespace Auth.Passwords;

/// <summary>A password that can be checked and not read: PBKDF2 (RFC 8018 §5.2) with what it was made by.</summary>
/// <param name="Algorithm">Only <c>pbkdf2-hmac-sha512</c> so far.</param>
/// <param name="Iterations">Count.</param>
/// <param name="Salt">16 random bytes.</param>
/// <param name="Hash">64 bytes.</param>
public sealed record PasswordHash(string Algorithm, int Iterations, byte[] Salt, byte[] Hash)
{
    private const string Sha512 = "pbkdf2-hmac-sha512";
    private const int SaltBytes = 16;

    /// <summary>Hashes a password that <see cref="PasswordRules.Normalise"/> returned.</summary>
    public static PasswordHash Of(string password, int iterations)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return new PasswordHash(Sha512, iterations, salt, Derive(password, salt, iterations));
    }

    /// <summary>A hash that no password has, to do the same work for accounts that do not exist.</summary>
    public static PasswordHash OfNobody(int iterations) => new(Sha512, iterations, new byte[SaltBytes], new byte[SHA512.HashSizeInBytes]);

    /// <summary>Whether this is the password.</summary>
    public bool Matches(string password) => Algorithm == Sha512
        ? CryptographicOperations.FixedTimeEquals(Derive(password, Salt, Iterations), Hash)
        : throw new NotSupportedException($"A password is stored by the algorithm '{Algorithm}', which this version does not know");

    /// <summary>Whether it was made by the same call: salts do not repeat.</summary>
    public bool IsSameAs(PasswordHash other) => Salt.AsSpan().SequenceEqual(other.Salt);

    private static byte[] Derive(string password, byte[] salt, int iterations) =>
        Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), salt, iterations, HashAlgorithmName.SHA512, SHA512.HashSizeInBytes);
}
