using System.Net;
using System.Net.Sockets;
using ServiceDefaults.GuardedFetch;

namespace ServiceDefaults.Tests;

/// <summary>Which addresses are the public internet's: the registries' ranges, their edges and whatever carries an IPv4 address inside.</summary>
public sealed class PublicAddressesTests
{
    public static TheoryData<string> SpecialRanges =>
    [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/128", "::1/128", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001::/32", "2001:2::/48", "2001:10::/28",
        "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fd00:ec2::254/128", "fe80::/10", "fec0::/10", "ff00::/8",
    ];

    [Theory]
    [MemberData(nameof(SpecialRanges))]
    public void Nothing_in_a_special_range_is_public(string range)
    {
        var network = IPNetwork.Parse(range);
        Assert.False(PublicAddresses.Contains(network.BaseAddress));
        Assert.False(PublicAddresses.Contains(Within(network, byte.MaxValue)));
        Assert.All(Enumerable.Range(0, 200), seed => Assert.False(PublicAddresses.Contains(Within(network, new Random(seed)))));
    }

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("8.8.8.8")]
    [InlineData("9.255.255.255")]
    [InlineData("11.0.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("126.255.255.255")]
    [InlineData("128.0.0.0")]
    [InlineData("169.253.255.255")]
    [InlineData("169.255.0.0")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("192.167.255.255")]
    [InlineData("192.169.0.0")]
    [InlineData("198.17.255.255")]
    [InlineData("198.20.0.0")]
    [InlineData("223.255.255.255")]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("2a00:1450:4001:80b::200e")]
    [InlineData("2001:200::1")]
    [InlineData("2003::1")]
    public void What_lies_beside_a_special_range_is_public(string address) => Assert.True(PublicAddresses.Contains(IPAddress.Parse(address)));

    [Theory]
    [InlineData("2606:4700::5efe:10.0.0.1")]
    [InlineData("2606:4700::200:5efe:169.254.169.254")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("::8.8.8.8")]
    [InlineData("64:ff9b::8.8.8.8")]
    [InlineData("2002:808:808::1")]
    public void What_carries_an_IPv4_address_is_not_public(string address) => Assert.False(PublicAddresses.Contains(IPAddress.Parse(address)));

    [Fact]
    public void No_private_address_becomes_public_in_another_form()
    {
        foreach (var seed in Enumerable.Range(0, 500))
        {
            var random = new Random(seed);
            var inner = Within(IPNetwork.Parse(random.GetItems(["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"], 1)[0]), random);
            Assert.All(
                new[] { inner.MapToIPv6(), Embedded("::", inner, 12), Embedded("64:ff9b::", inner, 12), Embedded("2002::", inner, 2), Embedded("2a00:1450:1:1:0:5efe::", inner, 12) },
                form => Assert.False(PublicAddresses.Contains(form), $"{form} for {inner}"));
        }
    }

    private static IPAddress Embedded(string prefix, IPAddress inner, int at)
    {
        var bytes = IPAddress.Parse(prefix).GetAddressBytes();
        inner.GetAddressBytes().CopyTo(bytes, at);
        return new IPAddress(bytes);
    }

    private static IPAddress Within(IPNetwork network, Random random)
    {
        var fill = new byte[network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 4 : 16];
        random.NextBytes(fill);
        return Within(network, fill);
    }

    private static IPAddress Within(IPNetwork network, byte fill) =>
        Within(network, [.. Enumerable.Repeat(fill, network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 4 : 16)]);

    /// <summary>The network's bits, then those of <paramref name="fill"/>.</summary>
    private static IPAddress Within(IPNetwork network, byte[] fill)
    {
        var bytes = network.BaseAddress.GetAddressBytes();
        for (var bit = network.PrefixLength; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] |= (byte)(fill[bit / 8] & (0x80 >> (bit % 8)));
        }

        return new IPAddress(bytes);
    }
}
