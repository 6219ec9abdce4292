using System.Net;

namespace ServiceDefaults;

/// <summary>
/// Whom an address stands for where requests and tries are counted: of IPv4 itself, also when it is written as IPv6; of IPv6, of which nobody has
/// one address alone, its /64 network.
/// </summary>
public static class ClientNetwork
{
    /// <summary>Bytes of the longest one.</summary>
    public const int MaxLength = 8;

    /// <summary>Writes 4 bytes of IPv4 or 8 of IPv6 and returns how many; none without an address.</summary>
    public static int Write(IPAddress? address, Span<byte> destination)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address is null || !address.TryWriteBytes(bytes, out var length))
        {
            return 0;
        }

        var network = address.IsIPv4MappedToIPv6 ? bytes[12..] : bytes[..Math.Min(length, MaxLength)];
        network.CopyTo(destination);
        return network.Length;
    }
}
