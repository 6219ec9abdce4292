using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults.GuardedFetch;

namespace ServiceDefaults.Tests;

/// <summary>What is taken of an answer, and how long it is waited for.</summary>
public sealed partial class GuardedFetchTests
{
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
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)closed.LocalEndPoint!).Port;
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
}
