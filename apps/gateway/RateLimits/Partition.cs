using System.Buffers.Binary;
using System.Net;

namespace Gateway.RateLimits;

/// <summary>Whose counter: a user or an address. No string is made of an address.</summary>
internal readonly record struct Partition(string? User, UInt128 Address)
{
    public static Partition Of(string user) => new(user, default);

    /// <summary>IPv4 as it is, also when written as IPv6; IPv6 by its /64.</summary>
    public static Partition Of(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address is null || !address.TryWriteBytes(bytes, out var length))
        {
            return default;
        }

        if (length == 4)
        {
            return new Partition(null, ((UInt128)0xFFFF << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes));
        }

        var value = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return new Partition(null, address.IsIPv4MappedToIPv6 ? value : value >> 64 << 64);
    }
}
