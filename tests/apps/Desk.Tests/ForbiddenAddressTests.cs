using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Contracts;
using ServiceDefaults;

namespace Desk.Tests;

/// <summary>A desk as in production, whose port that may be asked is one that listens at every address of this machine.</summary>
public sealed class GuardedDesk : IAsyncLifetime
{
    internal DeskPlatform Platform { get; private set; } = null!;

    internal Tripwire Tripwire { get; } = new();

    internal Names Names { get; } = new Names()
        .With("vm.example", "127.0.0.1").With("127.0.0.1.nip.example", "127.0.0.1").With("localhost.localdomain", "127.0.0.1").With("mixed.example", "1.1.1.1 127.0.0.1")
        .With("mixed6.example", "2606:4700:4700::1111 ::1").With("mapped.example", "::ffff:127.0.0.1").With("link.example", "fe80::1").With("any.example", "0.0.0.0")
        .With("any6.example", "::").With("xn--bcher-kva.example", "10.0.0.1");

    public async ValueTask InitializeAsync() => Platform = await DeskPlatform.StartAsync(
        Names, "Production", null, null,
        [.. new[] { "GuardedFetch", "GuardedPost" }.SelectMany(section => new[]
        {
            ($"{section}:AllowHttp", "true"), ($"{section}:Ports:0", "443"), ($"{section}:Ports:1", "80"), ($"{section}:Ports:2", Tripwire.Port.ToString(CultureInfo.InvariantCulture)),
        })]);

    public async ValueTask DisposeAsync()
    {
        await Platform.DisposeAsync();
        await Tripwire.DisposeAsync();
    }
}

/// <summary>
/// Addresses in the request that lead, or are written to lead, into the network of the platform (OWASP SSRF prevention): none is connected to. As in production,
/// without the entries that let Development ask its own machine; <c>PORT</c> is that of a server at every address of this machine.
/// </summary>
public sealed class ForbiddenAddressTests(GuardedDesk desk) : IClassFixture<GuardedDesk>
{
    public static TheoryData<string> Deceptive =>
    [
        // Schemes, and what is none.
        "ftp://127.0.0.1:PORT/a.png", "file:///etc/passwd", "file://127.0.0.1/etc/passwd", "gopher://127.0.0.1:PORT/_GET", "dict://127.0.0.1:PORT/", "ldap://127.0.0.1:PORT/",
        "ws://127.0.0.1:PORT/", "jar:http://127.0.0.1:PORT/a!/b", "data:image/png;base64,iVBORw0KGgo=", "javascript:alert(1)", "blob:http://127.0.0.1:PORT/a", "urn:a:b",
        "//127.0.0.1:PORT/a.png", "/a.png", "a.png", "http:127.0.0.1:PORT/", "http:/127.0.0.1:PORT/", "http:///127.0.0.1:PORT/", "http://", "http:///", "http://:PORT/", " http://127.0.0.1:PORT/",
        "http://127.0.0.1:PORT/\u0000", "http://127.0.0.1:PORT/\r\nX-A: b", "\thttp://127.0.0.1:PORT/",
        // Users, and hosts that stand where a user does.
        "http://user@a.example:PORT/", "http://user:password@a.example:PORT/", "http://@127.0.0.1:PORT/", "http://:@127.0.0.1:PORT/", "http://a.example@127.0.0.1:PORT/",
        "http://a.example:80@127.0.0.1:PORT/", "http://a.example%40127.0.0.1:PORT/", "http://127.0.0.1:PORT\\@a.example/", "http://a.example\\@127.0.0.1:PORT/", "http://a.example:80\\.127.0.0.1:PORT/",
        // Ports.
        "http://a.example:22/", "http://a.example:6379/", "http://a.example:8080/", "http://a.example:0/", "http://a.example:65536/", "http://a.example:-1/", "https://a.example:8443/",
        // Addresses that are not written as four decimal numbers.
        "http://2130706433:PORT/", "http://0x7f000001:PORT/", "http://0x7F.1:PORT/", "http://0x7f.0.0.1:PORT/", "http://0x7f.0x0.0x0.0x1:PORT/", "http://0177.0.0.1:PORT/", "http://0177.1:PORT/",
        "http://017700000001:PORT/", "http://0000177.0000000.0.01:PORT/", "http://127.1:PORT/", "http://127.0.1:PORT/", "http://127.0.0.01:PORT/", "http://127.0.0.0x1:PORT/", "http://0:PORT/",
        "http://00.0.0.0:PORT/", "http://4294967296:PORT/", "http://4294967295:PORT/", "http://2852039166/latest/meta-data/", "http://0xA9FEA9FE/", "http://0251.0376.0251.0376/",
        "http://127.0.0.1.:PORT/", "http://127.0.0.1..:PORT/", "http://127.0.0.1.0:PORT/", "http://127.0.0.256:PORT/", "http://999.1.1.1:PORT/", "http://1.2.3.4.5:PORT/", "http://a.0x7f:PORT/", "http://a.example..:PORT/",
        "http://.a.example:PORT/", "http://a..example:PORT/", "http://127.0.0.1%00.a.example:PORT/", "http://127.0.0.1%2f:PORT/", "http://%31%32%37.0.0.1:PORT/", "http://a_ b.example:PORT/",
        // The same in the digits, letters and full stops of other scripts.
        "http://\uFF11\uFF12\uFF17.0.0.1:PORT/", "http://\u2460\u2461\u2466.0.0.1:PORT/", "http://127\u30020\u30020\u30021:PORT/", "http://127\uFF0E0\uFF0E0\uFF0E1:PORT/", "http://127\uFF610\uFF610\uFF611:PORT/",
        "http://a.example\u2100127.0.0.1:PORT/", "http://a.example\uFF20127.0.0.1:PORT/", "http://a.example\uFF0F127.0.0.1:PORT/",
        // IPv6 that is none.
        "http://[::1:PORT/", "http://::1:PORT/", "http://[127.0.0.1]:PORT/", "http://[::g]:PORT/",
    ];

    public static TheoryData<string> Inner =>
    [
        // IPv4: this network, private, carriers', loopback, link-local and metadata, protocol assignments, benchmarks, documentation, multicast, reserved.
        "http://0.0.0.0:PORT/", "http://0.1.2.3:PORT/", "http://10.0.0.1:PORT/", "http://10.255.255.255:PORT/", "http://100.64.0.1:PORT/", "http://100.127.255.254:PORT/", "http://100.100.100.200/",
        "http://127.0.0.1:PORT/", "http://127.0.0.2:PORT/", "http://127.255.255.254:PORT/", "http://169.254.169.254/latest/meta-data/iam/security-credentials/", "http://169.254.170.2/v2/credentials",
        "http://169.254.0.1:PORT/", "http://168.63.129.16/", "http://172.16.0.1:PORT/", "http://172.31.255.254:PORT/", "http://192.0.0.192/", "http://192.0.2.1:PORT/", "http://192.88.99.1:PORT/",
        "http://192.168.0.1:PORT/", "http://198.18.0.1:PORT/", "http://198.51.100.1:PORT/", "http://203.0.113.1:PORT/", "http://224.0.0.1:PORT/", "http://239.255.255.250:PORT/", "http://240.0.0.1:PORT/", "http://255.255.255.255:PORT/",
        // IPv6: unspecified, loopback, link-local with and without a zone, unique local, multicast, documentation, discard.
        "http://[::]:PORT/", "http://[::1]:PORT/", "http://[0:0:0:0:0:0:0:1]:PORT/", "http://[fe80::1]:PORT/", "http://[fe80::1%251]:PORT/", "http://[fe80::1%25lo]:PORT/", "http://[febf::1]:PORT/", "http://[fec0::1]:PORT/",
        "http://[fc00::1]:PORT/", "http://[fd00:ec2::254]/latest/meta-data/", "http://[ff02::1]:PORT/", "http://[2001:db8::1]:PORT/", "http://[100::1]:PORT/", "http://[5f00::1]:PORT/",
        // IPv6 that carries IPv4: mapped, compatible, translated, 6to4, Teredo, ISATAP.
        "http://[::ffff:127.0.0.1]:PORT/", "http://[::ffff:7f00:1]:PORT/", "http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/", "http://[::ffff:169.254.169.254]/", "http://[::127.0.0.1]:PORT/", "http://[::ffff:0:127.0.0.1]:PORT/",
        "http://[64:ff9b::127.0.0.1]:PORT/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b:1::a00:1]:PORT/", "http://[2002:7f00:1::]:PORT/", "http://[2002:a9fe:a9fe::1]/", "http://[2001:0:a9fe:a9fe::1]:PORT/",
        "http://[2606:4700::5efe:127.0.0.1]:PORT/",
        // Names that mean something in a network only.
        "http://localhost:PORT/", "http://LOCALHOST:PORT/", "http://localhost.:PORT/", "http://a.localhost:PORT/", "http://vm:PORT/", "http://redis:PORT/", "http://ip6-localhost:PORT/", "http://printer.local:PORT/",
        "http://metadata/computeMetadata/v1/", "http://metadata.google.internal/", "http://METADATA.GOOGLE.INTERNAL./", "http://metadata.goog/", "http://instance-data/", "http://instance-data.ec2.internal/",
        "http://kubernetes.default.svc/", "http://desk.default.svc.cluster.local:PORT/", "http://host.docker.internal:PORT/", "http://host.containers.internal:PORT/", "http://router.home.arpa:PORT/",
        "http://\u24DB\u24DE\u24D2\u24D0\u24DB\u24D7\u24DE\u24E2\u24E3:PORT/", "http://\uFF4C\uFF4F\uFF43\uFF41\uFF4C\uFF48\uFF4F\uFF53\uFF54:PORT/", "http://local\u00ADhost:PORT/", "http://\uFF10x7f000001:PORT/",
    ];

    /// <summary>Names of which one address at least is not public.</summary>
    public static TheoryData<string> InnerNames =>
    [
        "http://vm.example:PORT/", "http://VM.Example.:PORT/", "http://127.0.0.1.nip.example:PORT/", "http://localhost.localdomain:PORT/", "http://mixed.example:PORT/", "http://mixed6.example:PORT/", "http://mapped.example:PORT/",
        "http://link.example:PORT/", "http://any.example:PORT/", "http://any6.example:PORT/", "http://b\u00FCcher.example:PORT/",
    ];

    [Theory]
    [MemberData(nameof(Deceptive))]
    public Task A_picture_s_address_that_is_written_to_deceive_is_refused(string url) => AssertRefusedAsync(new { initial_image_url = Ported(url) }, "FETCH_URL_INVALID");

    [Theory]
    [MemberData(nameof(Inner))]
    [MemberData(nameof(InnerNames))]
    public Task A_picture_s_address_in_the_own_network_is_refused(string url) => AssertRefusedAsync(new { initial_image_url = Ported(url) }, "FETCH_HOST_FORBIDDEN");

    /// <summary>Before anything is fetched. What a name leads to is asked at each attempt, see <see cref="HostileReceiverTests"/>.</summary>
    [Theory]
    [MemberData(nameof(Deceptive))]
    [MemberData(nameof(Inner))]
    public Task A_receiver_s_address_is_refused_alike(string url) =>
        AssertRefusedAsync(new { initial_image_url = $"http://vm.example:{desk.Tripwire.Port}/", callback_url = Ported(url) }, "CALLBACK_URL_REFUSED");

    [Theory]
    [InlineData(2049, 400, "VALIDATION_FAILED")]
    [InlineData(1_000_000, 400, "VALIDATION_FAILED")]
    public async Task An_address_without_an_end_is_refused(int length, int status, string code)
    {
        Assert.Equal((status, code), await AskAsync(new { initial_image_url = $"http://a.example/{new string('a', length)}" }));
        Assert.Equal((status, code), await AskAsync(new { initial_image_url = "http://a.example/", callback_url = $"http://a.example/{new string('a', length)}" }));
    }

    [Fact]
    public async Task The_tripwire_notices_who_connects()
    {
        await using var tripwire = new Tripwire();
        foreach (var address in new[] { "127.0.0.1", "127.0.0.2", "127.255.255.254" }.Select(IPAddress.Parse))
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(address, tripwire.Port, DeskPlatform.Cancel);
        }

        Assert.Equal(3, await tripwire.ConnectionsAsync(DeskPlatform.Cancel));
        Assert.Equal(3, await tripwire.ConnectionsAsync(DeskPlatform.Cancel));
    }

    private async Task AssertRefusedAsync(object request, string code)
    {
        Assert.Equal((400, code), await AskAsync(request));
        Assert.Equal(0, await desk.Tripwire.ConnectionsAsync(DeskPlatform.Cancel));
        Assert.DoesNotContain(desk.Platform.Dapr.Published, message => message.Topic is "desk-classified" or "callback-due");
    }

    private async Task<(int Status, string? Code)> AskAsync(object request)
    {
        using var client = desk.Platform.ClientOf("u1");
        using var response = await client.PostAsJsonAsync("/api/v1/desk/classify", request, DeskPlatform.Cancel);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(DeskPlatform.Cancel);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        return ((int)response.StatusCode, problem.GetProperty("code").GetString());
    }

    private string Ported(string url) => url.Replace("PORT", desk.Tripwire.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
