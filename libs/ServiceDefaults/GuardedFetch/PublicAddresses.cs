using System.Net;
using System.Net.Sockets;

namespace ServiceDefaults.GuardedFetch;

/// <summary>
/// Which addresses belong to the public internet, by the IANA special-purpose registries (RFC 6890 and its updates). What is not known to be public is not:
/// of IPv6 only global unicast 2000::/3, without the ranges that stand for something else or carry an IPv4 address.
/// </summary>
public static class PublicAddresses
{
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", // this network
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // private, RFC 1918
            "100.64.0.0/10", // carriers' NAT, and one cloud's metadata
            "127.0.0.0/8", // loopback
            "169.254.0.0/16", // link-local, and most clouds' metadata
            "168.63.129.16/32", // a cloud's host, from within its machines
            "192.0.0.0/24", // protocol assignments
            "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", // documentation
            "192.88.99.0/24", // 6to4 relays
            "198.18.0.0/15", // benchmarks
            "224.0.0.0/4", "240.0.0.0/4", // multicast, reserved, broadcast
            "2001::/23", // protocol assignments: Teredo, benchmarks, ORCHID
            "2001:db8::/32", "3fff::/20", // documentation
            "2002::/16", // 6to4: carries an IPv4 address
        }.Select(range => IPNetwork.Parse(range)),
    ];

    /// <summary>Whether an address is one of the public internet.</summary>
    public static bool Contains(IPAddress address) => address.AddressFamily switch
    {
        AddressFamily.InterNetwork => !Special.Any(range => range.Contains(address)),
        AddressFamily.InterNetworkV6 => address.ScopeId == 0 && IsGlobalUnicast(address) && !Special.Any(range => range.Contains(address)),
        _ => false,
    };

    /// <summary>
    /// 2000::/3, in which loopback, mapped and compatible IPv4, 64:ff9b::/96, ULA, link-local and multicast are not; by its bits, because
    /// <see cref="IPNetwork.Contains"/> takes a mapped address for its IPv4 one. Without ISATAP (RFC 5214), whose interface identifiers ::0:5efe:a.b.c.d and
    /// ::200:5efe:a.b.c.d are an IPv4 address behind any prefix.
    /// </summary>
    private static bool IsGlobalUnicast(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out _) && (bytes[0] & 0xE0) == 0x20
            && !((bytes[8] & 0xFD) == 0 && bytes[9] == 0 && bytes[10] == 0x5E && bytes[11] == 0xFE);
    }
}
