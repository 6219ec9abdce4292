using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ServiceDefaults.GuardedFetch;

namespace ServiceDefaults.Tests;

/// <summary>Which addresses are asked at all.</summary>
public sealed partial class GuardedFetchTests
{
    [Fact]
    public async Task A_picture_comes_from_the_address_that_was_checked_under_its_own_name()
    {
        var result = await FetchAsync(Url());

        Assert.Null(result.Failure);
        Assert.Equal("image/png", result.Content!.MediaType);
        Assert.Equal(Png, result.Content.Bytes);
        var request = Assert.Single(_requests);
        Assert.Equal($"pictures.test:{Port}", request.Host);
        Assert.Equal(["Accept", "Host"], request.Headers);
        Assert.Equal(["pictures.test"], _resolver.Asked);
    }

    [Fact]
    public async Task The_name_and_not_the_address_is_asked_for_in_the_TLS_handshake()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var fetch = FetchAsync($"https://pictures.test:{port}/", ("Ports:3", $"{port}"));
        using var connection = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await using var tls = new SslStream(connection.GetStream());
        string? name = null;
        await Assert.ThrowsAnyAsync<Exception>(() => tls.AuthenticateAsServerAsync(
            (_, hello, _, _) =>
            {
                name = hello.ServerName;
                throw new AuthenticationException("no certificate");
            }, null, TestContext.Current.CancellationToken));
        connection.Close();

        Assert.Equal("pictures.test", name);
        Assert.Equal("FETCH_UNREACHABLE", (await fetch).Failure!.Code);
    }

    [Theory]
    [InlineData("ftp://a.example/a.png")]
    [InlineData("file:///etc/passwd")]
    [InlineData("/a.png")]
    [InlineData("//a.example/a.png")]
    [InlineData("https:a.example/")]
    [InlineData("https:/a.example/")]
    [InlineData("https:///a.example/")]
    [InlineData("https:///user@a.example/")]
    [InlineData("https://user@a.example/")]
    [InlineData("https://user:pass@a.example/")]
    [InlineData("https://@a.example/")]
    [InlineData("https://a.example:22/")]
    [InlineData("https://a.example\\@b.example/")]
    [InlineData("https://a.example /")]
    [InlineData("https://a.example/\r\nHost: b")]
    [InlineData("https://2130706433/")]
    [InlineData("https://0x7f000001/")]
    [InlineData("https://0x7f.1/")]
    [InlineData("https://0177.0.0.1/")]
    [InlineData("https://127.1/")]
    [InlineData("https://127.0.0.1./")]
    [InlineData("https://1.2.3.4.5/")]
    [InlineData("https://a.0x7f/")]
    [InlineData("https://a..example/")]
    [InlineData("https://a.example../")]
    [InlineData("https://\uFF11\uFF12\uFF17.0.0.1/")]
    [InlineData("https://a.exa%6Dple/")]
    public Task An_address_that_is_written_to_deceive_is_refused(string url) => AssertRefusedAsync("FETCH_URL_INVALID", url);

    [Fact]
    public async Task Plain_http_and_other_ports_are_options()
    {
        await using var services = Services(Environments.Production);
        var client = services.GetRequiredService<GuardedFetchClient>();

        Assert.Equal("FETCH_URL_INVALID", (await client.GetAsync("http://a.example/", CancellationToken.None)).Failure!.Code);
        Assert.Equal("FETCH_URL_INVALID", (await client.GetAsync("https://a.example:8443/", CancellationToken.None)).Failure!.Code);
        Assert.Empty(_resolver.Asked);
    }

    [Theory]
    [InlineData("https://localhost/")]
    [InlineData("https://a.localhost/")]
    [InlineData("https://redis/")]
    [InlineData("https://printer.local/")]
    [InlineData("https://metadata.google.internal/")]
    [InlineData("https://METADATA.google.internal./")]
    [InlineData("https://metadata.goog/")]
    [InlineData("https://images.default.svc/")]
    [InlineData("https://127.0.0.1/")]
    [InlineData("https://10.1.2.3/")]
    [InlineData("https://169.254.169.254/latest/meta-data/")]
    [InlineData("https://[::1]/")]
    [InlineData("https://[::ffff:169.254.169.254]/")]
    [InlineData("https://[fe80::1]/")]
    [InlineData("https://[64:ff9b::a9fe:a9fe]/")]
    public Task A_host_of_the_own_network_is_refused(string url) => AssertRefusedAsync("FETCH_HOST_FORBIDDEN", url);

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("1.1.1.1 10.0.0.1")]
    [InlineData("1.1.1.1 ::ffff:127.0.0.1")]
    [InlineData("127.0.0.1")]
    public Task One_private_address_among_those_of_a_name_is_enough_to_refuse_it(string addresses)
    {
        _resolver.Answers["a.example"] = [[.. addresses.Split(' ').Select(IPAddress.Parse)]];

        return AssertRefusedAsync("FETCH_HOST_FORBIDDEN", "https://a.example/");
    }

    [Fact]
    public async Task A_name_is_resolved_once_so_a_second_answer_changes_nothing()
    {
        _resolver.Answers["pictures.test"] = [[IPAddress.Loopback], [IPAddress.Parse("10.0.0.1")]];
        await using var services = Services();
        var client = services.GetRequiredService<GuardedFetchClient>();

        Assert.NotNull((await client.GetAsync(Url(), TestContext.Current.CancellationToken)).Content);
        Assert.Single(_resolver.Asked);
        // Another request asks anew and gets no connection that the first one left.
        Assert.Equal("FETCH_HOST_FORBIDDEN", (await client.GetAsync(Url(), TestContext.Current.CancellationToken)).Failure!.Code);
        Assert.Single(_requests);
    }

    [Fact]
    public async Task With_a_list_of_hosts_there_are_no_others()
    {
        (string, string)[] list = [("AllowedHosts:0", "a.example"), ("AllowedHosts:1", "*.b.example")];
        foreach (var host in new[] { "c.example", "xa.example", "b.example", "x.a.example", "a.example.c.example" })
        {
            _resolver.Answers[host] = [[Public]];
            await AssertRefusedAsync("FETCH_HOST_FORBIDDEN", $"https://{host}/", list);
        }

        // Named, and private all the same.
        foreach (var host in new[] { "a.example", "x.b.example" })
        {
            _resolver.Answers[host] = [[IPAddress.Parse("10.0.0.1")]];
            await AssertRefusedAsync("FETCH_HOST_FORBIDDEN", $"https://{host}/", list);
            Assert.Contains(host, _resolver.Asked);
        }
    }

    [Fact]
    public async Task An_international_name_is_asked_for_in_its_ASCII_form()
    {
        _resolver.Answers["xn--bcher-kva.example"] = [[IPAddress.Parse("10.0.0.1")]];

        await AssertRefusedAsync("FETCH_HOST_FORBIDDEN", "https://bücher.example/");
        Assert.Equal(["xn--bcher-kva.example"], _resolver.Asked);
    }

    [Fact]
    public async Task Loopback_is_for_Development_only()
    {
        await using var services = Services(Environments.Production, ("LoopbackHosts:0", "pictures.test"));

        Assert.Throws<OptionsValidationException>(services.GetRequiredService<GuardedFetchClient>);
    }

    [Theory]
    [InlineData("https://10.0.0.1/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://127.0.0.1/")]
    [InlineData("//localhost/")]
    public async Task A_redirect_into_the_own_network_is_refused(string location)
    {
        _answer = http =>
        {
            http.Response.Redirect(location);
            return Task.CompletedTask;
        };

        Assert.Equal("FETCH_HOST_FORBIDDEN", (await FailsAsync(("MaxRedirects", "3"))).Code);
        Assert.Single(_requests);
    }

    [Fact]
    public async Task A_redirect_is_resolved_and_checked_anew()
    {
        _resolver.Answers["pictures.test"] = [[IPAddress.Loopback], [IPAddress.Parse("10.0.0.1")]];
        _answer = http =>
        {
            http.Response.Redirect("/b.png");
            return Task.CompletedTask;
        };

        Assert.Equal("FETCH_HOST_FORBIDDEN", (await FailsAsync(("MaxRedirects", "3"))).Code);
        Assert.Equal(["pictures.test", "pictures.test"], _resolver.Asked);
    }

    [Theory]
    [InlineData("0", 1, null)]
    [InlineData("1", 2, null)]
    [InlineData("2", 3, "image/png")]
    public async Task Redirects_are_followed_as_often_as_the_option_says(string most, int requests, string? mediaType)
    {
        _answer = http =>
        {
            if (http.Request.Path == "/c.png")
            {
                return http.Response.Body.WriteAsync(Png).AsTask();
            }

            http.Response.Redirect(http.Request.Path == "/a.png" ? "/b.png" : Url("/c.png"));
            return Task.CompletedTask;
        };

        var result = await FetchAsync(Url(), ("MaxRedirects", most));

        Assert.Equal((mediaType, mediaType is null ? "FETCH_REDIRECTED" : null), (result.Content?.MediaType, result.Failure?.Code));
        Assert.Equal(requests, _requests.Count);
    }
}
