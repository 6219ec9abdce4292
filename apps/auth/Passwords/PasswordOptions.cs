using System.ComponentModel.DataAnnotations;

namespace Auth.Passwords;

/// <summary>Settings of password accounts, section <c>Auth:Passwords</c>.</summary>
public sealed class PasswordOptions
{
    public const string Section = $"{AuthOptions.Section}:Passwords";

    /// <summary>Whether people may have accounts with a password. Default: on in Development, off elsewhere.</summary>
    public bool? Enabled { get; set; }

    /// <summary>Shortest password, in code points. Default 8 (NIST SP 800-63B §5.1.1.2).</summary>
    [Range(8, PasswordRules.MaxLength)]
    public int MinLength { get; set; } = 8;

    /// <summary>Iterations of PBKDF2-HMAC-SHA512. Default 220,000 (OWASP Password Storage Cheat Sheet); stored hashes follow at the next login.</summary>
    [Range(1000, 100_000_000)]
    public int Iterations { get; set; } = 220_000;

    /// <summary>Wrong passwords for one account within <see cref="Window"/>; further ones are refused before hashing. Default 10.</summary>
    [Range(1, 1000)]
    public int TriesPerAccount { get; set; } = 10;

    /// <summary>The same for one address (IPv6: one /64 network), whatever the account. Default 50.</summary>
    [Range(1, 100_000)]
    public int TriesPerAddress { get; set; } = 50;

    /// <summary>Time after the first wrong password until its count is forgotten. Default 15 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Logins that wait while another one is hashed; one more is refused with 503. Default 32, some seconds of hashing.</summary>
    [Range(0, 10_000)]
    public int HashingQueue { get; set; } = 32;

    /// <summary>Whether it is on here.</summary>
    public bool IsOn(IHostEnvironment environment) => Enabled ?? environment.IsDevelopment();
}
