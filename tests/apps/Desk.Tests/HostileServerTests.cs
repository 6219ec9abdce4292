using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Imaging;

namespace Desk.Tests;

/// <summary>Servers of pictures that redirect, lie, drip, inflate or never end: a problem with a stable code each, and nothing of what they said in it.</summary>
public sealed class HostileServerTests(HostileServerTests.Fixture desk) : IClassFixture<HostileServerTests.Fixture>
{
    private const string Secret = "SECRET-OF-THE-OTHER-SIDE";

    private static readonly byte[] Picture = PngEncoder.Encode(new Bitmap(64, 64));

    public static TheoryData<int, string> Redirects
    {
        get
        {
            var data = new TheoryData<int, string>();
            foreach (var status in new[] { 301, 302, 303, 307, 308 })
            {
                foreach (var location in new[] { "http://127.0.0.1:PORT/", "//127.0.0.1:PORT/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "/b.png", "" })
                {
                    data.Add(status, location);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Redirects))]
    public async Task A_redirect_is_not_followed(int status, string location)
    {
        desk.Server.Says($"HTTP/1.1 {status} {Secret}\nLocation: {desk.Ported(location)}\nContent-Length: 0\n\n");

        await AssertRefusedAsync(422, "FETCH_REDIRECTED");
        Assert.Equal(0, await desk.Tripwire.ConnectionsAsync(DeskPlatform.Cancel));
    }

    [Theory]
    [InlineData(204)]
    [InlineData(206)]
    [InlineData(300)]
    [InlineData(304)]
    [InlineData(401)]
    [InlineData(404)]
    [InlineData(407)]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(999)]
    public async Task Another_status_is_none_that_is_read(int status)
    {
        desk.Server.Says($"HTTP/1.1 {status} {Secret}\nRefresh: 0; url={desk.Ported("http://127.0.0.1:PORT/")}\nWWW-Authenticate: Negotiate\nProxy-Authenticate: NTLM\nContent-Length: 0\n\n");

        await AssertRefusedAsync(422, "FETCH_STATUS");
        Assert.Equal(0, await desk.Tripwire.ConnectionsAsync(DeskPlatform.Cancel));
    }

    /// <summary>Lengths that are not those of what follows; the picture that follows is whole.</summary>
    [Theory]
    [InlineData("Content-Length: 40", 415, "IMAGE_UNREADABLE")]
    [InlineData("Content-Length: 5", 415, "FETCH_TYPE_UNSUPPORTED")]
    [InlineData("Content-Length: 0", 415, "FETCH_TYPE_UNSUPPORTED")]
    [InlineData("Content-Length: 100000", 422, "FETCH_BROKEN")]
    [InlineData("Content-Length: 10485761", 413, "FETCH_TOO_LARGE")]
    [InlineData("Content-Length: 9223372036854775807", 413, "FETCH_TOO_LARGE")]
    [InlineData("Transfer-Encoding: chunked", 422, "FETCH_BROKEN")]
    [InlineData("Transfer-Encoding: gzip, chunked", 422, "FETCH_BROKEN")]
    [InlineData("Content-Length: 40\nTransfer-Encoding: chunked", 422, "FETCH_BROKEN")]
    public async Task A_length_that_is_a_lie_is_a_problem(string headers, int status, string code)
    {
        desk.Server.Says($"HTTP/1.1 200 OK\nContent-Type: image/png\n{headers}\n\n", Picture);

        await AssertRefusedAsync(status, code);
    }

    /// <summary>Lengths that are none: what follows is read to the end of the connection, and no further than is allowed.</summary>
    [Theory]
    [InlineData("X-A: b")]
    [InlineData("Content-Length: -1")]
    [InlineData("Content-Length: 99999999999999999999999")]
    [InlineData("Content-Length: forty")]
    public async Task A_length_that_is_none_is_not_asked(string headers)
    {
        desk.Server.Says($"HTTP/1.1 200 OK\n{headers}\n\n", Picture);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync()).Status);

        desk.Server.Say = async (stream, cancellationToken) =>
        {
            await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n"), cancellationToken);
            await stream.WriteAsync(Picture, cancellationToken);
            while (true)
            {
                await stream.WriteAsync(new byte[100_000], cancellationToken);
            }
        };
        await AssertRefusedAsync(413, "FETCH_TOO_LARGE");
    }

    [Theory]
    [InlineData("", "SECRET-OF-THE-OTHER-SIDE")]
    [InlineData("HTTP/1.1 ", "2")]
    [InlineData("HTTP/1.1 200 ", "SECRET-OF-THE-OTHER-SIDE")]
    [InlineData("HTTP/1.1 200 OK\n", "X-A: SECRET-OF-THE-OTHER-SIDE\n")]
    [InlineData("HTTP/1.1 200 OK\nX-A: ", "SECRET-OF-THE-OTHER-SIDE")]
    [InlineData("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", "0")]
    [InlineData("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1;", "SECRET-OF-THE-OTHER-SIDE")]
    public async Task An_answer_that_never_gets_to_its_picture_is_broken_off(string head, string again)
    {
        desk.Server.SaysWithoutEnd(head, again);

        await AssertRefusedAsync(422, "FETCH_BROKEN");
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("220 SECRET-OF-THE-OTHER-SIDE ESMTP\r\n")]
    [InlineData("-ERR SECRET-OF-THE-OTHER-SIDE\r\n")]
    [InlineData("HTTP/0.9 200 OK\r\n\r\n")]
    [InlineData("HTTP/2.0 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("HTTP/1.1 20 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\n")]
    public async Task What_does_not_speak_HTTP_is_broken(string said)
    {
        desk.Server.Says(said);

        await AssertRefusedAsync(422, "FETCH_BROKEN");
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("GZIP")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    [InlineData("identity, gzip")]
    [InlineData("gzip, gzip")]
    public async Task What_is_compressed_is_not_opened(string encoding)
    {
        // Opened, the first would be a picture that is taken, and the second too large.
        foreach (var zeros in new[] { 0, 100_000_000 })
        {
            var compressed = await CompressAsync(encoding, [.. Picture, .. new byte[zeros]]);
            desk.Server.Says($"HTTP/1.1 200 OK\nContent-Type: image/png\nContent-Encoding: {encoding}\nContent-Length: {compressed.Length}\n\n", compressed);
            await AssertRefusedAsync(415, "FETCH_TYPE_UNSUPPORTED");

            // Said of nothing, it is still what was sent.
            desk.Server.Says("HTTP/1.1 200 OK\nContent-Type: image/png\n\n", compressed);
            await AssertRefusedAsync(415, "FETCH_TYPE_UNSUPPORTED");
        }
    }

    [Theory]
    [InlineData("image/png")]
    [InlineData("image/jpeg")]
    [InlineData("text/html; charset=utf-8")]
    [InlineData("application/x-sh")]
    [InlineData("multipart/form-data")]
    [InlineData("nothing at all")]
    public async Task A_picture_is_one_by_its_bytes_whatever_it_is_called(string type)
    {
        desk.Server.Says($"HTTP/1.1 200 OK\nContent-Type: {type}\nContent-Length: {Picture.Length}\n\n", Picture);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync()).Status);

        foreach (var other in new[] { $"<!doctype html><title>{Secret}</title>", $$"""{"secret":"{{Secret}}"}""", $"<svg xmlns='http://www.w3.org/2000/svg'><!-- {Secret} --></svg>",
            $"GIF89a{Secret}", $"RIFF....WEBPVP8 {Secret}", $"%PDF-1.7 {Secret}", $"BM{Secret}", $"\0\0\0\u0020ftypheic{Secret}", $"#!/bin/sh\n{Secret}", Secret })
        {
            desk.Server.Says($"HTTP/1.1 200 OK\nContent-Type: {type}\n\n", System.Text.Encoding.Latin1.GetBytes(other));
            await AssertRefusedAsync(415, "FETCH_TYPE_UNSUPPORTED");
        }
    }

    [Fact]
    public async Task A_body_that_drips_costs_the_whole_time_and_no_more()
    {
        desk.Server.Say = async (stream, cancellationToken) =>
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray(), cancellationToken);
            for (var index = 0; ; index++)
            {
                await stream.WriteAsync(index < Picture.Length - 12 ? Picture.AsMemory(index, 1) : new byte[1], cancellationToken);
                await Task.Delay(1, cancellationToken);
            }
        };

        // Each wait for the next drop is armed anew: the clock goes on when desk has read one, not when one was sent.
        var waits = Growing(() => desk.Platform.Dapr.Clock.Started(TimeSpan.FromSeconds(5)));
        await AssertTimesOutAsync(TimeSpan.FromSeconds(1), waits, atLeast: TimeSpan.FromSeconds(15));
    }

    /// <summary>Answers that are no answer yet, without an end: the wait for the headers counts from the question.</summary>
    [Theory]
    [InlineData("HTTP/1.1 100 Continue\n\n")]
    [InlineData("HTTP/1.1 103 Early Hints\nLink: </a.css>; rel=preload\n\n")]
    public async Task Interim_answers_cost_the_wait_for_headers(string again)
    {
        var said = 0;
        desk.Server.Say = async (stream, cancellationToken) =>
        {
            while (true)
            {
                await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(again.ReplaceLineEndings("\r\n")), cancellationToken);
                Interlocked.Increment(ref said);
                await Task.Delay(1, cancellationToken);
            }
        };

        await AssertTimesOutAsync(TimeSpan.FromSeconds(1), () => Interlocked.Exchange(ref said, 0) > 0, atLeast: TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_server_that_says_nothing_costs_the_wait_for_headers()
    {
        desk.Server.Say = (_, cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken);

        await AssertTimesOutAsync(TimeSpan.FromSeconds(5), Growing(() => desk.Server.Requests), atLeast: TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_name_is_asked_for_once_and_the_connection_goes_where_it_was_said_to_lead()
    {
        // What would be reached if the name were asked for again on connecting.
        await using var other = new RawServer(new IPEndPoint(IPAddress.Parse("127.0.0.2"), desk.Server.Port));
        desk.Names.With("rebound.test", "127.0.0.1", "127.0.0.2", "10.0.0.1");
        desk.Server.Says("HTTP/1.1 200 OK\n\n", Picture);
        var (asked, url) = (desk.Server.Requests, $"http://rebound.test:{desk.Server.Port}/a.png");

        Assert.Equal(HttpStatusCode.OK, (await AskAsync(url)).Status);
        Assert.Equal((1, 1, 0), (desk.Names.Asked.Count(name => name == "rebound.test"), desk.Server.Requests - asked, other.Requests));

        // Another request asks anew and gets no connection that the first one left.
        other.Says("HTTP/1.1 200 OK\n\n", Picture);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(url)).Status);
        Assert.Equal((2, 1, 1), (desk.Names.Asked.Count(name => name == "rebound.test"), desk.Server.Requests - asked, other.Requests));
        Assert.Equal("FETCH_HOST_FORBIDDEN", (await AskAsync(url)).Code);
        Assert.Equal((1, 1), (desk.Server.Requests - asked, other.Requests));
    }

    /// <summary>In the form that was said last; in gzip where .NET has no compressor of it.</summary>
    private static async Task<byte[]> CompressAsync(string encoding, byte[] content)
    {
        var compressed = new MemoryStream();
        await using (Stream compressor = encoding switch
        {
            "deflate" => new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true),
            "br" => new BrotliStream(compressed, CompressionLevel.Fastest, leaveOpen: true),
            _ => new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true),
        })
        {
            await compressor.WriteAsync(content, DeskPlatform.Cancel);
        }

        return compressed.ToArray();
    }

    /// <summary>Whether a count has grown since it was last asked; the first time, since now.</summary>
    private static Func<bool> Growing(Func<int> count)
    {
        var seen = count();
        return () => count() is var now && Interlocked.Exchange(ref seen, now) < now;
    }

    private async Task AssertTimesOutAsync(TimeSpan step, Func<bool> until, TimeSpan atLeast)
    {
        var clock = desk.Platform.Dapr.Clock;
        var started = clock.GetUtcNow();
        var asking = AskAsync();
        while (!asking.IsCompleted)
        {
            if (until())
            {
                clock.Advance(step);
            }

            await Task.WhenAny(asking, Task.Delay(20, DeskPlatform.Cancel));
        }

        Assert.Equal((HttpStatusCode.UnprocessableEntity, "FETCH_TIMEOUT"), ((await asking).Status, (await asking).Code));
        Assert.InRange(clock.GetUtcNow() - started, atLeast, atLeast + TimeSpan.FromSeconds(5));
    }

    private async Task AssertRefusedAsync(int status, string code)
    {
        var answer = await AskAsync();
        Assert.Equal((status, code), ((int)answer.Status, answer.Code));
        Assert.DoesNotContain(Secret, answer.Text, StringComparison.Ordinal);
    }

    private async Task<(HttpStatusCode Status, string? Code, string Text)> AskAsync(string? url = null)
    {
        using var client = desk.Platform.ClientOf("u1");
        using var response = await client.PostAsJsonAsync("/api/v1/desk/classify", new { initial_image_url = url ?? desk.Server.Url, auto_generate = false }, DeskPlatform.Cancel);
        var text = await response.Content.ReadAsStringAsync(DeskPlatform.Cancel);
        return (response.StatusCode, JsonElement.Parse(text).TryGetProperty("code", out var code) ? code.GetString() : null, text);
    }

    /// <summary>A desk in Development, which may ask this machine for pictures.</summary>
    public sealed class Fixture : IAsyncLifetime
    {
        internal DeskPlatform Platform { get; private set; } = null!;

        internal RawServer Server { get; } = new();

        internal Tripwire Tripwire { get; } = new();

        internal Names Names { get; } = new();

        public async ValueTask InitializeAsync() => Platform = await DeskPlatform.StartAsync(Names, "Development", null, null, ("GuardedFetch:LoopbackHosts:1", "rebound.test"));

        public async ValueTask DisposeAsync()
        {
            await Platform.DisposeAsync();
            await Server.DisposeAsync();
            await Tripwire.DisposeAsync();
        }

        internal string Ported(string text) => text.Replace("PORT", Tripwire.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }
}
