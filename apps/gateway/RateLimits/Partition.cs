using System.Buffers.Binary;
using System.Net;
using ServiceDefaults;

namespace Gateway.RateLimits;

/// <summary>Whose counter: a user or an address. No string is made of an address.</summary>
internal readonly record struct Partition(string? User, UInt128 Address)
{
    public static Partition Of(string user) => new(user, default);

    /// <summary>IPv4 as it is mapped to IPv6, IPv6 by the first address of its network.</summary>
    public static Partition Of(IPAddress? address)
    {
        Span<byte> network = stackalloc byte[ClientNetwork.MaxLength];
        return ClientNetwork.Write(address, network) switch
        {
            0 => default,
            4 => new Partition(null, ((UInt128)0xFFFF << 32) | BinaryPrimitives.ReadUInt32BigEndian(network)),
            _ => new Partition(null, (UInt128)BinaryPrimitives.ReadUInt64BigEndian(network) << 64),
        };
    }
}
