using System.Net;

namespace ServiceDefaults.Tests;

public sealed class ClientNetworkTests
{
    [Theory]
    [InlineData("192.0.2.1", "c0000201")]
    [InlineData("::ffff:192.0.2.1", "c0000201")]
    [InlineData("2001:db8:1:2::", "20010db800010002")]
    [InlineData("2001:db8:1:2:ffff:ffff:ffff:ffff", "20010db800010002")]
    [InlineData("2001:db8:1:3::1", "20010db800010003")]
    [InlineData("fe80::1%7", "fe80000000000000")]
    [InlineData(null, "")]
    public void An_address_stands_for_itself_or_its_network(string? address, string expected)
    {
        Span<byte> network = stackalloc byte[ClientNetwork.MaxLength];
        var length = ClientNetwork.Write(address is null ? null : IPAddress.Parse(address), network);

        Assert.Equal(expected, Convert.ToHexStringLower(network[..length]));
    }
}
