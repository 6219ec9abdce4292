using System.Globalization;
using System.Text.Json;

namespace Desk.Tests;

/// <summary>Receivers whose name leads, or comes to lead, into the own network, that redirect there, or whose answer has no end.</summary>
public sealed class HostileReceiverTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("1.1.1.1 127.0.0.1")]
    [InlineData("2606:4700:4700::1111 ::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("0.0.0.0")]
    [InlineData("169.254.169.254")]
    [InlineData("fe80::1")]
    public async Task A_name_that_leads_inside_is_refused_when_it_is_resolved(string addresses)
    {
        await using var tripwire = new Tripwire();
        await using var platform = await StartAsync(new Names().With("shop.test", addresses), tripwire.Port);

        var id = (await platform.ClassifyAsync(callbackUrl: $"http://shop.test:{tripwire.Port}/hook")).GetProperty("callback_id").GetString()!;
        await platform.EndOfAsync(id);

        Assert.Equal(0, await tripwire.ConnectionsAsync(DeskPlatform.Cancel));
        var delivery = await platform.DeliveryAsync(id);
        Assert.Equal(("dead", "FETCH_HOST_FORBIDDEN"), (delivery.GetProperty("state").GetString(), Assert.Single(delivery.GetProperty("attempts").EnumerateArray()).GetProperty("failure").GetString()));
    }

    [Fact]
    public async Task A_name_that_comes_to_lead_inside_is_refused_from_then_on()
    {
        var names = new Names().With("hooks.test", "127.0.0.1", "127.0.0.1", "10.0.0.1");
        await using var platform = await StartAsync(names);
        platform.Receiver.Answer = (http, _) =>
        {
            http.Response.StatusCode = 503;
            return Task.CompletedTask;
        };

        var id = (await platform.ClassifyAsync(callbackUrl: Named(platform))).GetProperty("callback_id").GetString()!;
        await platform.EndOfAsync(id);

        // One question per attempt, no connection kept from one to the next.
        Assert.Equal((2, 3), (platform.Receiver.Attempts.Count, names.Asked.Count));
        var delivery = await platform.DeliveryAsync(id);
        Assert.Equal("dead", delivery.GetProperty("state").GetString());
        Assert.Equal("FETCH_HOST_FORBIDDEN", delivery.GetProperty("attempts").EnumerateArray().Last().GetProperty("failure").GetString());
    }

    [Theory]
    [InlineData(302, "http://127.0.0.1:PORT/")]
    [InlineData(307, "http://127.0.0.1:PORT/")]
    [InlineData(308, "//localhost:PORT/")]
    public async Task A_redirect_is_not_followed(int status, string location)
    {
        await using var tripwire = new Tripwire();
        await using var platform = await StartAsync(new Names().With("hooks.test", "127.0.0.1"), tripwire.Port);
        platform.Receiver.Answer = (http, _) =>
        {
            http.Response.StatusCode = status;
            http.Response.Headers.Location = location.Replace("PORT", tripwire.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
            return Task.CompletedTask;
        };

        var id = (await platform.ClassifyAsync(callbackUrl: Named(platform))).GetProperty("callback_id").GetString()!;
        await platform.EndOfAsync(id);

        Assert.Equal((6, 0), (platform.Receiver.Attempts.Count, await tripwire.ConnectionsAsync(DeskPlatform.Cancel)));
    }

    /// <summary>The log shows a status or a code to whoever asked, never what the receiver said: it may be a server that the asker cannot reach.</summary>
    [Theory]
    [InlineData("HTTP/1.1 200 SECRET\nX-Secret: SECRET\n\n", "SECRET", "delivered")]
    [InlineData("HTTP/1.1 404 SECRET\nX-Secret: SECRET\nContent-Length: 6\n\n", "SECRET", "dead")]
    [InlineData("HTTP/1.1 200 OK\n", "X-Secret: SECRET\n", "dead")]
    [InlineData("220 SECRET ESMTP\n", "SECRET\n", "dead")]
    public async Task An_answer_without_an_end_is_neither_read_nor_shown(string head, string again, string state)
    {
        await using var server = new RawServer();
        await using var platform = await StartAsync(new Names().With("hooks.test", "127.0.0.1"), server.Port);
        server.SaysWithoutEnd(head, again);

        var id = (await platform.ClassifyAsync(callbackUrl: $"http://hooks.test:{server.Port}/")).GetProperty("callback_id").GetString()!;
        await platform.EndOfAsync(id);

        var delivery = await platform.DeliveryAsync(id);
        Assert.Equal(state, delivery.GetProperty("state").GetString());
        Assert.DoesNotContain("SECRET", $"{delivery}", StringComparison.Ordinal);
        Assert.DoesNotContain(platform.Dapr.Logs.Entries, entry => entry.Message.Contains("SECRET", StringComparison.Ordinal));
    }

    /// <summary>Whoever repeats his request is no operator: what a receiver has said counts more than his wish.</summary>
    [Theory]
    [InlineData(410, 1, "dead")]
    [InlineData(404, 2, "delivered")]
    public async Task A_repeated_request_wakes_what_was_given_up_unless_the_receiver_is_gone(int status, int attempts, string state)
    {
        await using var platform = await DeskPlatform.StartAsync();
        platform.Receiver.Answer = (http, attempt) =>
        {
            http.Response.StatusCode = attempt == 1 ? status : 200;
            return Task.CompletedTask;
        };
        var id = (await platform.ClassifyAsync()).GetProperty("callback_id").GetString()!;
        await platform.EndOfAsync(id);
        Assert.Equal("dead", (await platform.DeliveryAsync(id)).GetProperty("state").GetString());

        Assert.Equal(id, (await platform.ClassifyAsync()).GetProperty("callback_id").GetString());
        await platform.EndOfAsync(id);

        Assert.Equal((attempts, state), (platform.Receiver.Attempts.Count, (await platform.DeliveryAsync(id)).GetProperty("state").GetString()));
    }

    /// <summary>In Development for the sake of the picture, but the only receiver that may be on this machine is <c>hooks.test</c>.</summary>
    private static Task<DeskPlatform> StartAsync(Names names, int port = 80) => DeskPlatform.StartAsync(
        names, "Development", null, null,
        ("GuardedPost:LoopbackHosts:0", "hooks.test"), ("GuardedPost:LoopbackHosts:1", "hooks.test"), ("GuardedPost:Ports:0", "443"), ("GuardedPost:Ports:1", port.ToString(CultureInfo.InvariantCulture)));

    private static string Named(DeskPlatform platform) => platform.Receiver.Url.Replace("127.0.0.1", "hooks.test", StringComparison.Ordinal);
}
