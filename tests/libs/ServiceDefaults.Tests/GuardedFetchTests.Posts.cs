using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ServiceDefaults.GuardedFetch;

namespace ServiceDefaults.Tests;

/// <content>What is sent to addresses that users name; which of them are asked at all is one rule for both ways.</content>
public sealed partial class GuardedFetchTests
{
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"type":"desk.completed"}""");

    [Fact]
    public async Task The_receiver_gets_body_and_headers_as_they_were_signed()
    {
        byte[] received = [];
        string? signature = null, type = null;
        _answer = async http =>
        {
            using var copy = new MemoryStream();
            await http.Request.Body.CopyToAsync(copy);
            (received, signature, type) = (copy.ToArray(), http.Request.Headers["webhook-signature"], http.Request.ContentType);
            http.Response.StatusCode = 202;
        };

        var result = await PostAsync(Url());

        Assert.Equal((202, null, null), (result.Status, result.RetryAfter, result.Failure));
        Assert.Equal(Body, received);
        Assert.Equal(("v1,abc=", "application/json"), (signature, type));
        Assert.DoesNotContain(_requests, request => request.Headers.Contains("traceparent"));
    }

    [Theory]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(410)]
    [InlineData(500)]
    public async Task Every_status_is_an_answer_and_no_redirect_is_followed(int status)
    {
        _answer = http =>
        {
            http.Response.StatusCode = status;
            http.Response.Headers.Location = "/elsewhere";
            return Task.CompletedTask;
        };

        Assert.Equal(status, (await PostAsync(Url())).Status);
        Assert.Single(_requests);
    }

    [Theory]
    [InlineData("120", 120)]
    [InlineData("Thu, 01 Jan 2026 00:01:30 GMT", 90)]
    [InlineData("Wed, 31 Dec 2025 23:59:00 GMT", null)]
    [InlineData("soon", null)]
    [InlineData("-5", null)]
    public async Task A_wish_for_a_later_attempt_is_read(string header, int? seconds)
    {
        _time.Advance(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero) - _time.GetUtcNow());
        _answer = http =>
        {
            http.Response.StatusCode = 429;
            http.Response.Headers.RetryAfter = header;
            return Task.CompletedTask;
        };

        var result = await PostAsync(Url());

        Assert.Equal((429, seconds), (result.Status, (int?)result.RetryAfter?.TotalSeconds));
    }

    [Fact]
    public async Task An_answer_that_drips_is_not_read()
    {
        _answer = async http =>
        {
            while (!http.RequestAborted.IsCancellationRequested)
            {
                await http.Response.Body.WriteAsync(new byte[1]);
                await http.Response.Body.FlushAsync();
                await Task.Delay(1);
            }
        };

        Assert.Equal(200, (await PostAsync(Url())).Status);
    }

    [Fact]
    public async Task A_receiver_that_does_not_answer_costs_the_total()
    {
        _answer = http => Task.Delay(Timeout.Infinite, http.RequestAborted);

        Assert.Equal("FETCH_TIMEOUT", await FailureInTimeAsync(TimeSpan.FromSeconds(10), () => !_requests.IsEmpty));
    }

    [Fact]
    public async Task A_name_that_is_not_told_costs_the_wait_for_the_connection()
    {
        _resolver.Until = new TaskCompletionSource<IPAddress[]>().Task;

        Assert.Equal("FETCH_TIMEOUT", await FailureInTimeAsync(TimeSpan.FromSeconds(3), () => !_resolver.Asked.IsEmpty));
    }

    [Fact]
    public async Task A_connection_that_is_cut_after_the_body_is_broken()
    {
        _answer = http =>
        {
            http.Abort();
            return Task.CompletedTask;
        };

        Assert.Equal("FETCH_BROKEN", (await PostAsync(Url())).Failure!.Code);
    }

    [Fact]
    public async Task A_receiver_without_TLS_at_an_https_address_is_unreachable() =>
        Assert.Equal("FETCH_UNREACHABLE", (await PostAsync($"https://pictures.test:{Port}/a")).Failure!.Code);

    [Theory]
    [InlineData("http://169.254.169.254/latest")]
    [InlineData("http://[::1]/")]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://localhost/")]
    [InlineData("http://user:pw@pictures.test/")]
    [InlineData("ftp://pictures.test/")]
    public async Task Nothing_is_sent_into_the_own_network(string url)
    {
        await using var services = Services();
        var client = services.GetRequiredService<GuardedPostClient>();

        var result = await client.PostAsync(url, Body, "application/json", new Dictionary<string, string>(), TestContext.Current.CancellationToken);

        Assert.True(result.IsForbidden);
        Assert.NotNull(client.Refusal(url));
        Assert.Empty(_requests);
    }

    [Fact]
    public async Task A_name_that_leads_into_the_own_network_is_refused_when_it_is_resolved()
    {
        _resolver.Answers["inner.test"] = [[Public, IPAddress.Parse("192.168.0.1")]];
        await using var services = Services();

        Assert.Null(services.GetRequiredService<GuardedPostClient>().Refusal($"http://inner.test:{Port}/"));
        Assert.True((await PostAsync($"http://inner.test:{Port}/")).IsForbidden);
    }

    [Fact]
    public async Task A_receiver_that_is_away_may_be_tried_again()
    {
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)closed.LocalEndPoint!).Port;
        await using var services = Services(("Ports:3", $"{port}"));

        var result = await services.GetRequiredService<GuardedPostClient>().PostAsync(
            $"http://pictures.test:{port}/", Body, "application/json", new Dictionary<string, string>(), TestContext.Current.CancellationToken);

        Assert.Equal(("FETCH_UNREACHABLE", false), (result.Failure!.Code, result.IsForbidden));
    }

    private async Task<PostResult> PostAsync(string url)
    {
        await using var services = Services();
        return await services.GetRequiredService<GuardedPostClient>().PostAsync(
            url, Body, "application/json", new Dictionary<string, string> { ["webhook-signature"] = "v1,abc=" }, TestContext.Current.CancellationToken);
    }

    /// <summary>The failure of a request during which the clock goes on by a time once <paramref name="until"/> holds.</summary>
    private async Task<string> FailureInTimeAsync(TimeSpan time, Func<bool> until)
    {
        var post = PostAsync(Url());
        while (!until())
        {
            await Task.WhenAny(post, Task.Delay(10, TestContext.Current.CancellationToken));
        }

        _time.Advance(time - TimeSpan.FromMilliseconds(1));
        Assert.False(post.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        return (await post).Failure!.Code;
    }
}
