using System.Security.Cryptography;
using System.Text;
using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Keys;

/// <summary>A stored key: PKCS #8, encrypted with AES-256-GCM (nonce, tag, text) under the secret <see cref="KeyRing.SecretName"/>.</summary>
public sealed record StoredKey(string KeyId, string Algorithm, DateTimeOffset CreatedAt, byte[] Encrypted);

/// <summary>All keys: the document <c>keys</c>. The first one signs, all verify.</summary>
public sealed record StoredKeys(IReadOnlyList<StoredKey> Keys);

/// <summary>The keys that sign, in the state of auth, so that its replicas share them.</summary>
internal sealed class KeyRing(DaprClient dapr, VerificationKeys verification, TimeProvider time, IOptions<AuthOptions> options) : IHostedService
{
    /// <summary>Secret that encrypts the stored keys, at least 32 bytes of text.</summary>
    public const string SecretName = "identity-encryption-key";

    private const string StateKey = "keys";
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private byte[] _secret = [];
    private SigningKey? _active;

    /// <summary>Signs new tokens.</summary>
    public SigningKey Active => _active ?? throw new InvalidOperationException("the signing key is not loaded yet");

    /// <summary>What verifies tokens, for everybody.</summary>
    public JsonWebKeySet Public { get; private set; } = new([]);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var secret = await dapr.GetSecretAsync(Components.Secrets, SecretName, cancellationToken: cancellationToken);
        _secret = SHA256.HashData(Encoding.UTF8.GetBytes(secret[SecretName]));
        Use(await dapr.UpdateStateAsync<StoredKeys>(
            Components.StateStore, StateKey, stored => stored ?? new StoredKeys([Create()]), cancellationToken: cancellationToken));
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private StoredKey Create()
    {
        var now = time.GetUtcNow();
        using var key = SigningKey.Create(Guid.CreateVersion7(now).ToString("N"), options.Value.Algorithm);
        return new StoredKey(key.KeyId, key.Algorithm, now, Encrypt(key.ExportPkcs8()));
    }

    private void Use(StoredKeys stored)
    {
        var keys = stored.Keys.Select(key => SigningKey.Import(key.KeyId, key.Algorithm, Decrypt(key.Encrypted))).ToArray();
        Public = new JsonWebKeySet([.. keys.Select(key => key.ToPublic())]);
        verification.Use(Public);
        _active = keys[0];
    }

    private byte[] Encrypt(byte[] plain)
    {
        var text = new byte[NonceBytes + TagBytes + plain.Length];
        RandomNumberGenerator.Fill(text.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(_secret, TagBytes);
        aes.Encrypt(text.AsSpan(0, NonceBytes), plain, text.AsSpan(NonceBytes + TagBytes), text.AsSpan(NonceBytes, TagBytes));
        return text;
    }

    private byte[] Decrypt(byte[] text)
    {
        var plain = new byte[text.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(_secret, TagBytes);
        aes.Decrypt(text.AsSpan(0, NonceBytes), text.AsSpan(NonceBytes + TagBytes), text.AsSpan(NonceBytes, TagBytes), plain);
        return plain;
    }
}
