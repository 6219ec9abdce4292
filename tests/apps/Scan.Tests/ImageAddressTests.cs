using Contracts.Images;

namespace Scan.Tests;

public sealed class ImageAddressTests
{
    private const string File = "0123456789abcdef0123456789abcdef.jpg";
    private static readonly string[] Hosts = ["localhost", "images.example.org:8443"];

    [Theory]
    [InlineData($"http://localhost:8080/api/v1/images/scan/{File}")]
    [InlineData($"http://LOCALHOST/api/v1/images/my/{File}")]
    [InlineData($"https://images.example.org:8443/api/v1/images/chat/{File}?v=1")]
    [InlineData($"https://images.example.org:8443/my/{File}")]
    public void Our_own_addresses_become_keys(string address) => Assert.EndsWith($"/{File}", ImageAddress.KeyOf(address, Hosts));

    [Theory]
    [InlineData($"http://evil.example/api/v1/images/scan/{File}")]
    [InlineData($"http://localhost.evil.example/api/v1/images/scan/{File}")]
    [InlineData($"http://localhost@evil.example/api/v1/images/scan/{File}")]
    [InlineData($"http://user:pass@localhost/api/v1/images/scan/{File}")]
    [InlineData($"https://images.example.org/api/v1/images/chat/{File}")]
    [InlineData($"file://localhost/api/v1/images/scan/{File}")]
    [InlineData("http://localhost/api/v1/images/scan/../../etc/passwd")]
    [InlineData($"http://localhost/api/v1/images/secret/{File}")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("http://2130706433/api/v1/images/scan/0123456789abcdef0123456789abcdef.jpg")]
    [InlineData("not a url")]
    public void Every_other_address_is_refused(string address) => Assert.Null(ImageAddress.KeyOf(address, Hosts));
}
