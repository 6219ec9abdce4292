using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ServiceDefaults.GuardedFetch;
using TestKit;

namespace ServiceDefaults.Tests;

/// <summary>Pictures from addresses that users name, against real servers on loopback and a resolver of the test's.</summary>
public sealed class GuardedFetchTests : IAsyncLifetime
{
    private static readonly byte[] Png = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3, 4, 5, 6, 7, 8];
    private static readonly IPAddress Public = IPAddress.Parse("1.1.1.1");

    private readonly ConcurrentQueue<(string Host, string[] Headers)> _requests = [];
    private readonly FakeResolver _resolver = new();
    private readonly ManualTimeProvider _time = new();
    private readonly WebApplication _server;
    private RequestDelegate _answer = http => http.Response.Body.WriteAsync(Png).AsTask();

    public GuardedFetchTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.Run(http =>
        {
            _requests.Enqueue((http.Request.Host.Value!, [.. http.Request.Headers.Select(header => header.Key).Order(StringComparer.Ordinal)]));
            return _answer(http);
        });
    }

    private int Port => new Uri(_server.Urls.First()).Port;

    private string Url(string path = "/a.png") => $"http://pictures.test:{Port}{path}";

    public async ValueTask InitializeAsync()
    {
        await _server.StartAsync();
        _resolver.Answers["pictures.test"] = [[IPAddress.Loopback]];
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _server.StopAsync(now.Token);
        await _server.DisposeAsync();
    }

    /// <summary>In Development, where pictures.test may be loopback and plain http and the server's port are taken.</summary>
    private ServiceProvider Services(params (string Key, string Value)[] settings) => Services(Environments.Development, [
        ("LoopbackHosts:0", "pictures.test"), ("AllowHttp", "true"), ("Ports:0", $"{Port}"), ("Ports:1", "443"), ("Ports:2", "80"), .. settings]);

    private ServiceProvider Services(string environment, params (string Key, string Value)[] settings) => new ServiceCollection()
        .AddLogging()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
            settings.Select(setting => new KeyValuePair<string, string?>($"GuardedFetch:{setting.Key}", setting.Value))).Build())
        .AddSingleton<IHostEnvironment>(new HostEnvironment(environment))
        .AddSingleton<IHostResolver>(_resolver)
        .AddSingleton<TimeProvider>(_time)
        .AddGuardedFetch()
        .BuildServiceProvider();

    private async Task<FetchResult> FetchAsync(string url, params (string Key, string Value)[] settings)
    {
        await using var services = Services(settings);
        return await services.GetRequiredService<GuardedFetchClient>().GetAsync(url, TestContext.Current.CancellationToken);
    }

    private async Task AssertRefusedAsync(string code, string url, params (string Key, string Value)[] settings)
    {
        var result = await FetchAsync(url, settings);

        Assert.Null(result.Content);
        Assert.Equal(code, result.Failure!.Code);
        Assert.Empty(_requests);
    }

    private async Task<FetchFailure> FailsAsync(params (string Key, string Value)[] settings) => (await FetchAsync(Url(), settings)).Failure!;

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

    [Fact]
    public async Task A_body_without_an_end_is_read_up_to_the_limit()
    {
        _answer = async http =>
        {
            await http.Response.Body.WriteAsync(Png);
            while (!http.RequestAborted.IsCancellationRequested)
            {
                await http.Response.Body.WriteAsync(new byte[4096]);
            }
        };

        Assert.Equal("FETCH_TOO_LARGE", (await FailsAsync(("MaxBytes", "100000"))).Code);
    }

    [Fact]
    public async Task A_body_that_says_that_it_is_too_large_is_not_read()
    {
        _answer = async http =>
        {
            http.Response.ContentLength = 1_000_000_000;
            await http.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        };

        Assert.Equal("FETCH_TOO_LARGE", (await FailsAsync()).Code);
    }

    [Fact]
    public async Task A_compressed_answer_is_refused_unopened()
    {
        var bomb = new MemoryStream();
        await using (var gzip = new GZipStream(bomb, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            await gzip.WriteAsync(Png);
            await gzip.WriteAsync(new byte[50 * 1024 * 1024]);
        }

        _answer = http =>
        {
            http.Response.Headers.ContentEncoding = "gzip";
            return http.Response.Body.WriteAsync(bomb.ToArray()).AsTask();
        };

        Assert.Equal("FETCH_TYPE_UNSUPPORTED", (await FailsAsync()).Code);
    }

    [Theory]
    [InlineData("<html><script>alert(1)</script></html>")]
    [InlineData("{\"secret\":\"of an inner service\"}")]
    [InlineData("GIF89a........")]
    [InlineData("")]
    public async Task What_is_no_picture_is_refused_whatever_it_is_called(string content)
    {
        _answer = http =>
        {
            http.Response.ContentType = "image/png";
            return http.Response.WriteAsync(content);
        };

        var failure = await FailsAsync();

        Assert.Equal((415, "FETCH_TYPE_UNSUPPORTED"), (failure.Status, failure.Code));
        Assert.DoesNotContain("secret", failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kinds_of_pictures_are_an_option()
    {
        _answer = http => http.Response.WriteAsync("GIF89a........");

        Assert.Equal("image/gif", (await FetchAsync(Url(), ("MediaTypes:0", "image/gif"))).Content!.MediaType);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(204)]
    [InlineData(500)]
    public async Task Another_status_is_a_failure(int status)
    {
        _answer = http =>
        {
            http.Response.StatusCode = status;
            return Task.CompletedTask;
        };

        Assert.Equal("FETCH_STATUS", (await FailsAsync()).Code);
    }

    [Fact]
    public async Task A_server_without_headers_costs_the_wait_for_them()
    {
        _answer = http => Task.Delay(Timeout.Infinite, http.RequestAborted);

        await AssertTimesOutAsync(TimeSpan.FromSeconds(5), until: () => !_requests.IsEmpty);
    }

    [Fact]
    public async Task A_body_that_stops_costs_the_wait_for_its_next_bytes()
    {
        _answer = async http =>
        {
            await http.Response.Body.WriteAsync(Png);
            await http.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        };

        await AssertTimesOutAsync(TimeSpan.FromSeconds(5), until: () => !_requests.IsEmpty);
    }

    [Fact]
    public async Task A_body_that_drips_costs_the_whole_time_and_no_more()
    {
        var drops = 0;
        _answer = async http =>
        {
            await http.Response.Body.WriteAsync(Png);
            while (!http.RequestAborted.IsCancellationRequested)
            {
                await http.Response.Body.WriteAsync(new byte[1]);
                await http.Response.Body.FlushAsync();
                Interlocked.Increment(ref drops);
                await Task.Delay(1);
            }
        };

        // Each drop comes well within the wait for the next; the clock goes on by a second per drop.
        await AssertTimesOutAsync(TimeSpan.FromSeconds(1), until: () => Interlocked.Exchange(ref drops, 0) > 0);
    }

    [Fact]
    public async Task A_name_server_that_is_silent_costs_the_wait_for_headers()
    {
        _resolver.Until = new TaskCompletionSource<IPAddress[]>().Task;

        await AssertTimesOutAsync(TimeSpan.FromSeconds(5), until: () => !_resolver.Asked.IsEmpty);
    }

    /// <summary>Lets the clock go on by <paramref name="step"/> whenever <paramref name="until"/> holds, until the fetch has failed.</summary>
    private async Task AssertTimesOutAsync(TimeSpan step, Func<bool> until)
    {
        await using var services = Services();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        var started = _time.GetTimestamp();
        var fetch = services.GetRequiredService<GuardedFetchClient>().GetAsync(Url(), limit.Token);
        while (!fetch.IsCompleted)
        {
            if (until())
            {
                _time.Advance(step);
            }

            await Task.WhenAny(fetch, Task.Delay(20, limit.Token));
        }

        Assert.Equal("FETCH_TIMEOUT", (await fetch).Failure!.Code);
        Assert.True(_time.GetElapsedTime(started) >= TimeSpan.FromSeconds(5), $"{_time.GetElapsedTime(started)}");
    }

    [Fact]
    public async Task A_cancelled_caller_gets_his_cancellation()
    {
        using var cancel = new CancellationTokenSource();
        _answer = http => cancel.CancelAsync();
        await using var services = Services();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => services.GetRequiredService<GuardedFetchClient>().GetAsync(Url(), cancel.Token));
    }

    [Fact]
    public async Task A_host_that_is_away_or_unknown_is_unreachable()
    {
        Assert.Equal("FETCH_UNREACHABLE", (await FetchAsync("https://unknown.example/")).Failure!.Code);
        var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        Assert.Equal("FETCH_UNREACHABLE", (await FetchAsync($"http://pictures.test:{port}/", ("Ports:3", $"{port}"))).Failure!.Code);
    }

    [Fact]
    public async Task A_connection_that_breaks_is_told_apart()
    {
        _answer = async http =>
        {
            http.Response.ContentLength = 1000;
            await http.Response.Body.WriteAsync(Png);
            await http.Response.Body.FlushAsync();
            http.Abort();
        };

        Assert.Equal("FETCH_BROKEN", (await FailsAsync()).Code);
    }

    private sealed class FakeResolver : IHostResolver
    {
        /// <summary>Answers per name, one after the other; the last one stays.</summary>
        public Dictionary<string, IPAddress[][]> Answers { get; } = new(StringComparer.Ordinal);

        public ConcurrentQueue<string> Asked { get; } = [];

        public Task<IPAddress[]>? Until { get; set; }

        public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
        {
            Asked.Enqueue(host);
            if (Until is not null)
            {
                return Until.WaitAsync(cancellationToken);
            }

            return Answers.TryGetValue(host, out var answers)
                ? Task.FromResult(answers[Math.Min(Asked.Count(asked => asked == host), answers.Length) - 1])
                : Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound));
        }
    }

    private sealed class HostEnvironment(string name) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = name;

        public string ApplicationName { get; set; } = "test";

        public string ContentRootPath { get; set; } = AppContext.BaseDirectory;

        public Microsoft.Extensions.FileProviders.IFileProvider ContentRootFileProvider { get; set; } = new Microsoft.Extensions.FileProviders.NullFileProvider();
    }
}
