using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Tandem.Protocol.Tests;

public sealed class GrpcRoundTripTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static GrpcService Echo() => new GrpcService("Echo")
        .Unary("Say", StringValue.Parser, (request, _) => Task.FromResult(new StringValue { Value = request.Value }))
        .Unary<StringValue, StringValue>("Fail", StringValue.Parser, (request, _) => throw new GrpcException(GrpcStatusCode.AlreadyExists, request.Value))
        .Unary<StringValue, StringValue>("Crash", StringValue.Parser, (_, _) => throw new InvalidOperationException("secret"))
        .ServerStreaming<Int32Value, StringValue>("Count", Int32Value.Parser, async (request, stream, _) =>
        {
            for (var i = 0; i < request.Value; i++)
            {
                await stream.WriteAsync(new StringValue { Value = new string('x', i) });
            }
        });

    [Fact]
    public async Task Unary_call_returns_the_answer()
    {
        await using var server = await GrpcTestServer.StartAsync(Echo());
        using var channel = server.Connect();

        Assert.Equal("hällo", (await SayAsync(channel, "hällo")).Value);
        Assert.Equal("", (await SayAsync(channel, "")).Value);
    }

    [Fact]
    public async Task Concurrent_calls_share_a_channel()
    {
        await using var server = await GrpcTestServer.StartAsync(Echo());
        using var channel = server.Connect();

        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(i => SayAsync(channel, $"call {i}")));

        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"call {i}"), answers.Select(a => a.Value));
    }

    [Fact]
    public async Task Stream_delivers_every_message_in_order()
    {
        await using var server = await GrpcTestServer.StartAsync(Echo());
        using var channel = server.Connect();

        var lengths = new List<int>();
        await foreach (var message in channel.ServerStreamAsync("/Echo/Count", new Int32Value { Value = 2000 }, StringValue.Parser))
        {
            lengths.Add(message.Value.Length);
        }

        Assert.Equal(Enumerable.Range(0, 2000), lengths);
    }

    [Fact]
    public async Task Stream_headers_arrive_before_the_first_message()
    {
        var release = new TaskCompletionSource();
        var service = new GrpcService("Slow").ServerStreaming<Empty, StringValue>("Wait", Empty.Parser, async (_, stream, context) =>
        {
            await release.Task.WaitAsync(context.CancellationToken);
            await stream.WriteAsync(new StringValue { Value = "late" });
        });
        await using var server = await GrpcTestServer.StartAsync(service);
        using var channel = server.Connect();
        var options = new GrpcCallOptions { OnResponseStarted = _ => release.SetResult() };

        var messages = new List<string>();
        await foreach (var message in channel.ServerStreamAsync("/Slow/Wait", new Empty(), StringValue.Parser, options).WithCancellation(new CancellationTokenSource(Patience).Token))
        {
            messages.Add(message.Value);
        }

        Assert.Equal(["late"], messages);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("100 % sure, line\nbreak, 재활용 🙂")]
    [InlineData("")]
    public async Task Status_and_message_reach_the_caller(string message)
    {
        await using var server = await GrpcTestServer.StartAsync(Echo());
        using var channel = server.Connect();

        var exception = await Assert.ThrowsAsync<GrpcException>(() => UnaryAsync(channel, "/Echo/Fail", message));

        Assert.Equal(GrpcStatusCode.AlreadyExists, exception.StatusCode);
        Assert.Equal(message, exception.Detail);
    }

    [Fact]
    public async Task Unexpected_exception_does_not_leak_its_text()
    {
        await using var server = await GrpcTestServer.StartAsync(Echo());
        using var channel = server.Connect();

        var exception = await Assert.ThrowsAsync<GrpcException>(() => UnaryAsync(channel, "/Echo/Crash", ""));

        Assert.Equal(GrpcStatusCode.Unknown, exception.StatusCode);
        Assert.DoesNotContain("secret", exception.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/Echo/Nothing")]
    [InlineData("/Nowhere/Say")]
    [InlineData("/Echo/say")]
    public async Task Unknown_method_is_unimplemented(string path)
    {
        await using var server = await GrpcTestServer.StartAsync(Echo());
        using var channel = server.Connect();

        var exception = await Assert.ThrowsAsync<GrpcException>(() => UnaryAsync(channel, path, ""));

        Assert.Equal(GrpcStatusCode.Unimplemented, exception.StatusCode);
    }

    [Fact]
    public async Task Failure_inside_a_stream_comes_after_its_messages()
    {
        var service = new GrpcService("Half").ServerStreaming<Empty, StringValue>("Way", Empty.Parser, async (_, stream, _) =>
        {
            await stream.WriteAsync(new StringValue { Value = "one" });
            throw new GrpcException(GrpcStatusCode.Aborted, "half way");
        });
        await using var server = await GrpcTestServer.StartAsync(service);
        using var channel = server.Connect();

        var received = new List<string>();
        var exception = await Assert.ThrowsAsync<GrpcException>(async () =>
        {
            await foreach (var message in channel.ServerStreamAsync("/Half/Way", new Empty(), StringValue.Parser))
            {
                received.Add(message.Value);
            }
        });

        Assert.Equal(["one"], received);
        Assert.Equal(GrpcStatusCode.Aborted, exception.StatusCode);
    }

    [Fact]
    public async Task Metadata_travels_both_ways()
    {
        string? seen = null;
        var service = new GrpcService("Meta").Unary("Data", Empty.Parser, (Empty request, GrpcCallContext context) =>
        {
            seen = context.RequestHeaders["x-key"];
            context.ResponseHeaders["x-header"] = "h";
            context.ResponseTrailers["x-trailer"] = "t";
            context.ResponseTrailers["x-trailer-bin"] = Convert.ToBase64String([1, 2, 3, 4]).TrimEnd('=');
            return Task.FromResult(request);
        });
        await using var server = await GrpcTestServer.StartAsync(service);
        using var channel = server.Connect();
        GrpcMetadata? headers = null;
        GrpcMetadata? trailers = null;

        await channel.UnaryAsync("/Meta/Data", new Empty(), Empty.Parser, new GrpcCallOptions
        {
            Headers = [new("x-key", "v")],
            OnResponseStarted = started => headers = started,
            OnCompleted = completed => trailers = completed,
        });

        Assert.Equal("v", seen);
        Assert.Equal(("h", null), (headers!["X-Header"], headers["x-trailer"]));
        Assert.Equal(("t", null), (trailers!["x-trailer"], trailers["x-header"]));
        Assert.Equal([1, 2, 3, 4], trailers.GetBytes("x-trailer-bin"));
        Assert.Null(trailers["grpc-status"]);
    }

    [Fact]
    public async Task Error_before_the_first_message_brings_its_metadata()
    {
        var service = new GrpcService("Meta").Unary("Fail", Empty.Parser, Task<Empty> (Empty _, GrpcCallContext context) =>
        {
            context.ResponseTrailers["grpc-status-details-bin"] = "CAU=";
            throw new GrpcException(GrpcStatusCode.Aborted, "no");
        });
        await using var server = await GrpcTestServer.StartAsync(service);
        using var channel = server.Connect();
        var started = false;

        var exception = await Assert.ThrowsAsync<GrpcException>(() => channel.UnaryAsync(
            "/Meta/Fail", new Empty(), Empty.Parser, new GrpcCallOptions { OnResponseStarted = _ => started = true, OnCompleted = _ => started = true }));

        Assert.Equal((GrpcStatusCode.Aborted, "no", false), (exception.StatusCode, exception.Detail, started));
        Assert.Equal([8, 5], exception.Trailers.GetBytes("grpc-status-details-bin"));
    }

    [Fact]
    public async Task Error_at_the_end_of_a_stream_brings_its_trailers()
    {
        var service = new GrpcService("Meta").ServerStreaming<Empty, Empty>("Fail", Empty.Parser, async (request, stream, context) =>
        {
            context.ResponseTrailers["x-trailer"] = "t";
            await stream.WriteAsync(request);
            throw new GrpcException(GrpcStatusCode.Aborted, "no");
        });
        await using var server = await GrpcTestServer.StartAsync(service);
        using var channel = server.Connect();
        var messages = 0;

        var exception = await Assert.ThrowsAsync<GrpcException>(async () =>
        {
            await foreach (var _ in channel.ServerStreamAsync("/Meta/Fail", new Empty(), Empty.Parser))
            {
                messages++;
            }
        });

        Assert.Equal((GrpcStatusCode.Aborted, "no"), (exception.StatusCode, exception.Detail));
        Assert.Equal((1, "t"), (messages, exception.Trailers["x-trailer"]));
    }

    [Fact]
    public async Task Unknown_fields_of_a_newer_peer_are_kept()
    {
        var newer = new RetryParentInstanceInfo { InstanceID = "kept" };
        var action = new CreateChildWorkflowAction { InstanceId = "a", RetryParentInstanceInfo = newer };
        var service = new GrpcService("Old").Unary("Echo", ScheduleTaskAction.Parser, (ScheduleTaskAction request, GrpcCallContext _) => Task.FromResult(request));
        await using var server = await GrpcTestServer.StartAsync(service);
        using var channel = server.Connect();

        // Field 7 is unknown to ScheduleTaskAction, which the server parses and sends back.
        var answer = await channel.UnaryAsync("/Old/Echo", action, CreateChildWorkflowAction.Parser);

        Assert.Equal("kept", answer.RetryParentInstanceInfo.InstanceID);
    }

    private static Task<StringValue> SayAsync(GrpcChannel channel, string text) => UnaryAsync(channel, "/Echo/Say", text);

    private static Task<StringValue> UnaryAsync(GrpcChannel channel, string path, string text) =>
        channel.UnaryAsync(path, new StringValue { Value = text }, StringValue.Parser);
}
