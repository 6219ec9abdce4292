using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using LocalServers;
using Microsoft.AspNetCore.Http;
using TestKit;

namespace Gateway.Tests;

public sealed class ForwardingTests
{
    [Fact]
    public async Task Request_and_answer_pass_with_status_headers_and_body()
    {
        await using var sidecar = await FakeServer.StartAsync();
        sidecar.Answer = context =>
        {
            context.Response.StatusCode = 202;
            context.Response.Headers.RetryAfter = "2";
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync("{\"status\":\"processing\"}");
        };
        await using var app = new GatewayApp(sidecar);
        using var client = app.Client(bearerOf: "u1");
        using var response = await client.PostAsJsonAsync("/api/v1/scan?a=b%20c", new { image_url = "http://x/y" });
        Assert.Equal(202, (int)response.StatusCode);
        Assert.Equal("2", response.Headers.GetValues("Retry-After").Single());
        Assert.Equal("{\"status\":\"processing\"}", await response.Content.ReadAsStringAsync());
        var received = sidecar.Requests.Single();
        Assert.Equal("{\"image_url\":\"http://x/y\"}", Encoding.UTF8.GetString(received.Body));
        Assert.Equal(received.Body.Length, received.Headers.ContentLength);
        Assert.Equal("/v1.0/invoke/scan/method/api/v1/scan?a=b%20c", received.Path);
    }

    [Fact]
    public async Task Event_stream_goes_to_the_app_by_address_and_is_not_buffered()
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var sse = await FakeServer.StartAsync();
        var goOn = new TaskCompletionSource();
        sse.Answer = async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("id: 1\ndata: a\n\n");
            await context.Response.Body.FlushAsync();
            await goOn.Task;
            await context.Response.WriteAsync("id: 2\ndata: b\n\n");
        };
        await using var app = new GatewayApp(sidecar, settings: ("services:sse:http:0", sse.Url));
        using var client = app.Client(cookieOf: "u1");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/scan/0198c0de-0000-7000-8000-000000000001/events");
        request.Headers.Add("Last-Event-ID", "7");
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());

        // The first event is here while the second one is not yet written.
        Assert.Equal("id: 1", await lines.ReadLineAsync().WaitAsync(GatewayApp.Patience));
        goOn.SetResult();
        Assert.Contains("id: 2", await lines.ReadToEndAsync().WaitAsync(GatewayApp.Patience));

        var received = sse.Requests.Single();
        Assert.Equal("7", received.Headers["Last-Event-ID"]);
        Assert.StartsWith("Bearer ", received.Headers.Authorization.ToString(), StringComparison.Ordinal);
        Assert.False(received.Headers.ContainsKey("X-User-ID"));
        Assert.Empty(sidecar.Requests);
    }

    [Fact]
    public async Task Stream_may_last_longer_than_an_app_has_to_answer()
    {
        var late = new TaskCompletionSource();
        await using var sse = await FakeServer.StartAsync();
        sse.Answer = async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("id: 1\ndata: a\n\n");
            await context.Response.Body.FlushAsync();
            await late.Task;
            await context.Response.WriteAsync("id: 2\ndata: a\n\n");
        };
        var clock = new ManualTimeProvider();
        await using var app = new GatewayApp(clock: clock, settings: ("services:sse:http:0", sse.Url));
        using var client = app.Client(bearerOf: "u1");
        using var response = await client.GetAsync("/api/v1/jobs/x/events", HttpCompletionOption.ResponseHeadersRead);

        clock.Advance(TimeSpan.FromHours(1));
        late.SetResult();

        Assert.Contains("id: 2", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_app_that_does_not_answer_in_time_is_given_up()
    {
        var asked = new TaskCompletionSource();
        await using var sse = await FakeServer.StartAsync();
        sse.Answer = context =>
        {
            asked.SetResult();
            return Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
        var clock = new ManualTimeProvider();
        await using var app = new GatewayApp(clock: clock, settings: ("services:sse:http:0", sse.Url));
        using var client = app.Client(bearerOf: "u1");
        var sent = client.GetAsync("/api/v1/jobs/x/events");
        await asked.Task.WaitAsync(GatewayApp.Patience);

        clock.Advance(new GatewayOptions().AnswerTimeout);

        using var response = await sent;
        Assert.Equal((HttpStatusCode.GatewayTimeout, "UPSTREAM_TIMEOUT"), (response.StatusCode, await GatewayApp.CodeOf(response)));
    }

    [Fact]
    public async Task Upload_is_streamed_and_not_held()
    {
        await using var images = await FakeServer.StartAsync();
        images.RecordBodies = false;
        var firstBytes = new TaskCompletionSource();
        var total = 0L;
        images.Answer = async context =>
        {
            var buffer = new byte[64 * 1024];
            int read;
            while ((read = await context.Request.Body.ReadAsync(buffer)) > 0)
            {
                total += read;
                firstBytes.TrySetResult();
            }

            context.Response.StatusCode = 201;
        };
        await using var app = new GatewayApp(settings: ("services:images:http:0", images.Url));
        using var client = app.Client(bearerOf: "u1");
        var upload = new GatedContent(12 * 1024 * 1024, firstBytes.Task);
        using var response = await client.PutAsync("/api/v1/images/upload/scan/x.jpg", upload).WaitAsync(GatewayApp.Patience);
        Assert.Equal(201, (int)response.StatusCode);
        Assert.Equal(12 * 1024 * 1024, total);

        // Announced and not sent: a client that is still sending then may find its connection broken.
        await using var raw = await RawHttp.ConnectAsync(app);
        await raw.SendAsync(
            $"PUT /api/v1/images/upload/scan/x.jpg HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {app.TokenOf("u1")}\r\nContent-Length: {20 * 1024 * 1024 + 1}\r\n\r\n");
        Assert.Equal(413, await raw.StatusAsync());
    }

    [Fact]
    public async Task Replicas_take_turns_and_a_dead_one_is_skipped()
    {
        // Bound and not listening: nobody else gets the port, and who connects is refused.
        using var dead = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        dead.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var deadUrl = $"http://127.0.0.1:{((IPEndPoint)dead.LocalEndPoint!).Port}";
        await using var one = await FakeServer.StartAsync();
        await using var two = await FakeServer.StartAsync();
        await using var app = new GatewayApp(
            settings: [("services:sse:http:0", one.Url), ("services:sse:http:1", deadUrl), ("services:sse:http:2", two.Url)]);
        using var client = app.Client(bearerOf: "u1");
        for (var i = 0; i < 9; i++)
        {
            using var response = await client.GetAsync("/api/v1/jobs/x/log");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(9, one.Requests.Count + two.Requests.Count);
        Assert.True(one.Requests.Count >= 3 && two.Requests.Count >= 3);
    }

    [Fact]
    public async Task Stream_moves_to_the_next_replica_when_one_is_stopping()
    {
        await using var stopping = await FakeServer.StartAsync();
        stopping.Answer = context =>
        {
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        };
        await using var other = await FakeServer.StartAsync();
        await using var app = new GatewayApp(settings: [("services:sse:http:0", stopping.Url), ("services:sse:http:1", other.Url)]);
        using var client = app.Client(bearerOf: "u1");
        for (var i = 0; i < 4; i++)
        {
            using var response = await client.GetAsync("/api/v1/jobs/x/events");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(4, other.Requests.Count);
    }

    [Fact]
    public async Task Request_waits_for_an_app_that_restarts()
    {
        // Not of the range that the system gives ports from: nobody has got it when the app comes.
        var port = FreePort.Next();
        await using var app = new GatewayApp(settings: [("services:images:http:0", $"http://127.0.0.1:{port}"), ("Gateway:RestartGrace", "00:00:50")]);
        using var client = app.Client(bearerOf: "u1");
        var pending = client.PutAsync("/api/v1/images/upload/scan/x.jpg", new ByteArrayContent(new byte[500_000]));
        await using var after = await FakeServer.StartAsync(port);
        using var response = await pending.WaitAsync(GatewayApp.Patience);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(500_000, after.Requests.Single().Body.Length);
    }

    [Fact]
    public async Task Idempotent_methods_are_repeated_and_a_post_is_not_unless_its_key_or_its_route_allows_it()
    {
        await using var sidecar = await FakeServer.StartAsync();
        sidecar.Answer = context =>
        {
            context.Response.StatusCode = 500;
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync("{\"errorCode\":\"ERR_DIRECT_INVOKE\",\"message\":\"connection refused\"}");
        };
        var clock = new ManualTimeProvider();
        await using var app = new GatewayApp(sidecar, clock: clock);
        using var client = app.Client(bearerOf: "u1");

        using var write = await client.PostAsJsonAsync("/api/v1/scan", new { });
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "UPSTREAM_UNAVAILABLE"), (write.StatusCode, await GatewayApp.CodeOf(write)));
        Assert.Single(sidecar.Requests);

        // Tries at 0, 20, 60 and 140 ms; a fifth at 300 ms would come after the grace.
        var reading = client.GetAsync("/api/v1/users/me");
        using var limit = new CancellationTokenSource(GatewayApp.Patience);
        foreach (var milliseconds in (int[])[20, 40, 80])
        {
            var pause = TimeSpan.FromMilliseconds(milliseconds);
            while (clock.Started(pause) != 1)
            {
                await Task.Delay(1, limit.Token);
            }

            clock.Advance(pause);
        }

        using var read = await reading;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, read.StatusCode);
        Assert.NotNull(read.Headers.RetryAfter);
        Assert.Equal(5, sidecar.Requests.Count);

        // What comes back is waited for, however slow this machine is just now.
        await using var patient = new GatewayApp(sidecar, settings: [("Gateway:RestartGrace", "00:01:00")]);
        using var waiting = patient.Client(bearerOf: "u1");
        var down = sidecar.Answer;
        foreach (var method in (HttpMethod[])[HttpMethod.Put, HttpMethod.Delete])
        {
            sidecar.Requests.Clear();
            sidecar.Answer = context => sidecar.Requests.Count < 3 ? down(context) : Task.CompletedTask;
            using var change = new HttpRequestMessage(method, $"/api/v1/scan/{Guid.NewGuid()}") { Content = JsonContent.Create(new { a = 1 }) };
            using var changed = await waiting.SendAsync(change);
            Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
            Assert.Equal(["{\"a\":1}", "{\"a\":1}", "{\"a\":1}"], sidecar.Requests.Select(request => Encoding.UTF8.GetString(request.Body)));
        }

        sidecar.Requests.Clear();
        sidecar.Answer = context => sidecar.Requests.Count < 3 ? down(context) : Task.CompletedTask;
        using var ticket = await waiting.PostAsJsonAsync("/api/v1/images/scan", new { a = 1 });
        Assert.Equal((HttpStatusCode.OK, 3), (ticket.StatusCode, sidecar.Requests.Count));

        sidecar.Requests.Clear();
        waiting.DefaultRequestHeaders.Add("Idempotency-Key", "k1");
        using var repeated = await waiting.PostAsJsonAsync("/api/v1/scan", new { a = 1 });
        Assert.Equal(HttpStatusCode.OK, repeated.StatusCode);
        Assert.All(sidecar.Requests, request => Assert.Equal("{\"a\":1}", Encoding.UTF8.GetString(request.Body)));
    }

    [Fact]
    public async Task Failure_of_the_app_itself_passes_unchanged()
    {
        await using var sidecar = await FakeServer.StartAsync();
        sidecar.Answer = context =>
        {
            context.Response.StatusCode = 500;
            context.Response.ContentType = "application/problem+json";
            return context.Response.WriteAsync("{\"code\":\"INTERNAL\"}");
        };
        await using var app = new GatewayApp(sidecar);
        using var client = app.Client(bearerOf: "u1");
        using var response = await client.GetAsync("/api/v1/users/me");
        Assert.Equal((HttpStatusCode.InternalServerError, "INTERNAL"), (response.StatusCode, await GatewayApp.CodeOf(response)));
        Assert.Single(sidecar.Requests);
    }

    [Fact]
    public async Task Half_an_answer_does_not_look_like_a_whole_one()
    {
        await using var sidecar = await FakeServer.StartAsync();
        sidecar.Answer = async context =>
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync("{\"a\":");
            await context.Response.Body.FlushAsync();
            context.Abort();
        };
        await using var app = new GatewayApp(sidecar);
        using var client = app.Client(bearerOf: "u1");
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetStringAsync("/api/v1/users/me"));
    }

    [Fact]
    public async Task Alias_of_a_path_is_rewritten()
    {
        await using var sidecar = await FakeServer.StartAsync();
        await using var app = new GatewayApp(sidecar);
        using var client = app.Client(bearerOf: "u1");
        await client.PostAsJsonAsync("/api/v1/image/scan", new { });
        Assert.Equal("/v1.0/invoke/images/method/api/v1/images/scan", sidecar.Requests.Single().Path);
    }

    [Fact]
    public async Task Readyz_lists_what_is_not_ready()
    {
        await using var sidecar = await FakeServer.StartAsync();
        sidecar.Answer = context =>
        {
            context.Response.StatusCode = context.Request.Path.Value!.Contains("/users/", StringComparison.Ordinal) ? 503 : 200;
            return Task.CompletedTask;
        };
        await using var app = new GatewayApp(sidecar);
        using var client = app.Client();
        using var response = await client.GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(["users"], problem.GetProperty("not_ready").EnumerateArray().Select(app => app.GetString()!));
        Assert.Contains(sidecar.Requests, request => request.Path == "/v1.0/invoke/scan-worker/method/healthz/ready");

        sidecar.Answer = _ => Task.CompletedTask;
        using var ready = await client.GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
    }

    /// <summary>A body whose rest is sent only after its beginning has arrived at the other end.</summary>
    private sealed class GatedContent(int length, Task gate) : HttpContent
    {
        protected override bool TryComputeLength(out long computed)
        {
            computed = length;
            return true;
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(new byte[128 * 1024]);
            await stream.FlushAsync();
            await gate;
            await stream.WriteAsync(new byte[length - (128 * 1024)]);
        }
    }
}
