using System.Security.Cryptography;
using System.Text;

namespace ServiceDefaults;

/// <summary>Name-based UUIDs, version 5 (RFC 9562 §5.5): the same for the same name, so they are keys of idempotent work.</summary>
public static class Uuid5
{
    /// <summary>Namespace of DNS names.</summary>
    public static readonly Guid Dns = new("6ba7b810-9dad-11d1-80b4-00c04fd430c8");

    /// <summary>Namespace of URLs.</summary>
    public static readonly Guid Url = new("6ba7b811-9dad-11d1-80b4-00c04fd430c8");

    /// <summary>SHA-1 of namespace and UTF-8 name, with version and variant set.</summary>
    public static Guid Create(Guid space, string name)
    {
        Span<byte> input = stackalloc byte[16 + Encoding.UTF8.GetMaxByteCount(Math.Min(name.Length, 256))];
        var nameLength = Encoding.UTF8.GetByteCount(name);
        if (16 + nameLength > input.Length)
        {
            input = new byte[16 + nameLength];
        }

        space.TryWriteBytes(input, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(name, input[16..]);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(input[..(16 + nameLength)], hash);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
