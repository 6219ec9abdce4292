using System.Security.Cryptography;
using System.Text;

namespace Auth.Keys;

/// <summary>Keys at rest: AES-256-GCM (nonce, tag, text) under the secret <see cref="SecretName"/>.</summary>
internal sealed class KeyEncryption
{
    /// <summary>Name of the secret: at least <see cref="MinLength"/> characters, better 64 random hex digits.</summary>
    public const string SecretName = "identity-encryption-key";

    private const int MinLength = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly byte[] _key;

    public KeyEncryption(string? secret) => _key = secret is { Length: >= MinLength }
        ? SHA256.HashData(Encoding.UTF8.GetBytes(secret))
        : throw new KeyRingException($"the secret '{SecretName}' needs at least {MinLength} characters, it has {secret?.Length ?? 0}");

    public byte[] Encrypt(byte[] plain)
    {
        var text = new byte[NonceBytes + TagBytes + plain.Length];
        RandomNumberGenerator.Fill(text.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(_key, TagBytes);
        aes.Encrypt(text.AsSpan(0, NonceBytes), plain, text.AsSpan(NonceBytes + TagBytes), text.AsSpan(NonceBytes, TagBytes));
        return text;
    }

    public byte[] Decrypt(byte[] text)
    {
        var plain = new byte[Math.Max(0, text.Length - NonceBytes - TagBytes)];
        using var aes = new AesGcm(_key, TagBytes);
        try
        {
            aes.Decrypt(text.AsSpan(0, NonceBytes), text.AsSpan(NonceBytes + TagBytes), text.AsSpan(NonceBytes, TagBytes), plain);
            return plain;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentOutOfRangeException)
        {
            throw new KeyRingException(
                $"the stored signing keys cannot be decrypted: the secret '{SecretName}' is not the one they were encrypted with. Bring it back, or make "
                + "new keys with './daprw keys rotate --now', after which everybody signs in again");
        }
    }
}

/// <summary>The keys cannot be used, and somebody must do something about it.</summary>
internal sealed class KeyRingException(string message) : Exception(message);
