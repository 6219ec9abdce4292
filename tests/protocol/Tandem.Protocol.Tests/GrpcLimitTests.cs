using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tandem.Protocol.Grpc;
using TestKit;

namespace Tandem.Protocol.Tests;

public sealed class GrpcLimitTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Deadline_reaches_the_method_and_ends_the_call()
    {
        var clock = new ManualTimeProvider();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var observed = new TaskCompletionSource<DateTimeOffset?>();
        var service = new GrpcService("Slow").Unary<Empty, Empty>("Wait", Empty.Parser, async (_, context) =>
        {
            await using var registration = context.CancellationToken.Register(() => observed.TrySetResult(context.Deadline));
            started.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
            return new Empty();
        });
        await using var server = await GrpcTestServer.StartAsync(service, time: clock);
        using var channel = server.Connect(new GrpcChannelOptions { TimeProvider = clock });
        var limit = TimeSpan.FromMilliseconds(200);
        var options = new GrpcCallOptions { Deadline = clock.GetUtcNow() + limit };

        var call = channel.UnaryAsync("/Slow/Wait", new Empty(), Empty.Parser, options);
        await started.Task.WaitAsync(Patience);
        clock.Advance(limit);

        var exception = await Assert.ThrowsAsync<GrpcException>(() => call.WaitAsync(Patience));
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, exception.StatusCode);
        Assert.NotNull(await observed.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task Server_alone_enforces_the_deadline()
    {
        var service = new GrpcService("Slow").Unary<Empty, Empty>("Wait", Empty.Parser, async (request, context) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
            return request;
        });
        await using var server = await GrpcTestServer.StartAsync(service);
        using var channel = server.Connect();

        // The header alone: this client has no deadline of its own.
        var options = new GrpcCallOptions { Headers = [new("grpc-timeout", "50m")] };
        var exception = await Assert.ThrowsAsync<GrpcException>(() => channel.UnaryAsync("/Slow/Wait", new Empty(), Empty.Parser, options));

        Assert.Equal(GrpcStatusCode.DeadlineExceeded, exception.StatusCode);
    }

    [Fact]
    public async Task Cancelled_call_is_seen_by_the_server()
    {
        var started = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        var service = new GrpcService("Slow").ServerStreaming<Empty, Empty>("Wait", Empty.Parser, async (_, _, context) =>
        {
            context.CancellationToken.Register(cancelled.SetResult);
            started.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
        });
        await using var server = await GrpcTestServer.StartAsync(service);
        using var channel = server.Connect();
        using var stop = new CancellationTokenSource();

        var call = Task.Run(async () =>
        {
            await foreach (var _ in channel.ServerStreamAsync("/Slow/Wait", new Empty(), Empty.Parser, default, stop.Token))
            {
            }
        });
        await started.Task.WaitAsync(Patience);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await cancelled.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task Enumeration_left_early_resets_the_stream()
    {
        var cancelled = new TaskCompletionSource();
        var service = new GrpcService("Endless").ServerStreaming<Empty, StringValue>("Flow", Empty.Parser, async (_, stream, context) =>
        {
            context.CancellationToken.Register(cancelled.SetResult);
            while (true)
            {
                await stream.WriteAsync(new StringValue { Value = new string('x', 1000) });
            }
        });
        await using var server = await GrpcTestServer.StartAsync(service);
        using var channel = server.Connect();

        await foreach (var message in channel.ServerStreamAsync("/Endless/Flow", new Empty(), StringValue.Parser))
        {
            break;
        }

        await cancelled.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task Messages_above_a_limit_are_refused_in_every_direction()
    {
        var service = new GrpcService("Echo").Unary("Say", StringValue.Parser, (StringValue request, GrpcCallContext _) => Task.FromResult(
            request.Value == "big" ? new StringValue { Value = new string('x', 2000) } : request));
        await using var server = await GrpcTestServer.StartAsync(service, new GrpcServerOptions { MaxReceiveMessageBytes = 1000, MaxSendMessageBytes = 1500 });
        using var open = server.Connect();
        using var sending = server.Connect(new GrpcChannelOptions { MaxSendMessageBytes = 100 });
        using var receiving = server.Connect(new GrpcChannelOptions { MaxReceiveMessageBytes = 100 });

        Assert.Equal(900, (await SayAsync(open, new string('x', 900))).Value.Length);
        foreach (var (channel, text) in new[]
        {
            (open, new string('x', 1000)), (open, "big"), (sending, new string('x', 100)), (receiving, new string('x', 100)),
        })
        {
            var exception = await Assert.ThrowsAsync<GrpcException>(() => SayAsync(channel, text));
            Assert.Equal(GrpcStatusCode.ResourceExhausted, exception.StatusCode);
        }
    }

    [Fact]
    public async Task Large_message_passes_without_a_limit()
    {
        var service = new GrpcService("Echo").Unary("Say", StringValue.Parser, (StringValue request, GrpcCallContext _) => Task.FromResult(request));
        await using var server = await GrpcTestServer.StartAsync(service, new GrpcServerOptions { MaxReceiveMessageBytes = null, MaxSendMessageBytes = null });
        using var channel = server.Connect(new GrpcChannelOptions { MaxReceiveMessageBytes = null });

        Assert.Equal(40_000_000, (await SayAsync(channel, new string('x', 40_000_000))).Value.Length);
    }

    [Theory]
    [InlineData("right", null)]
    [InlineData("wrong", GrpcStatusCode.Unauthenticated)]
    [InlineData(null, GrpcStatusCode.Unauthenticated)]
    public async Task Token_is_asked_for(string? token, GrpcStatusCode? expected)
    {
        var service = new GrpcService("Echo").Unary("Say", StringValue.Parser, (StringValue request, GrpcCallContext _) => Task.FromResult(request));
        await using var server = await GrpcTestServer.StartAsync(service, new GrpcServerOptions { ApiToken = "right" });
        using var channel = server.Connect(new GrpcChannelOptions { Token = token });

        var exception = await Record.ExceptionAsync(() => SayAsync(channel, "x"));

        Assert.Equal(expected, (exception as GrpcException)?.StatusCode);
    }

    [Fact]
    public async Task Authorize_hook_can_refuse()
    {
        var service = new GrpcService("Echo").Unary("Say", StringValue.Parser, (StringValue request, GrpcCallContext _) => Task.FromResult(request));
        await using var server = await GrpcTestServer.StartAsync(service, new GrpcServerOptions { Authorize = http => http.Request.Headers["x-app"] == "me" });
        using var channel = server.Connect();

        var exception = await Assert.ThrowsAsync<GrpcException>(() => SayAsync(channel, "x"));

        Assert.Equal(GrpcStatusCode.Unauthenticated, exception.StatusCode);
    }

    [Theory]
    [InlineData(StatusCodes.Status400BadRequest, GrpcStatusCode.Internal)]
    [InlineData(StatusCodes.Status401Unauthorized, GrpcStatusCode.Unauthenticated)]
    [InlineData(StatusCodes.Status403Forbidden, GrpcStatusCode.PermissionDenied)]
    [InlineData(StatusCodes.Status404NotFound, GrpcStatusCode.Unimplemented)]
    [InlineData(StatusCodes.Status429TooManyRequests, GrpcStatusCode.Unavailable)]
    [InlineData(StatusCodes.Status502BadGateway, GrpcStatusCode.Unavailable)]
    [InlineData(StatusCodes.Status503ServiceUnavailable, GrpcStatusCode.Unavailable)]
    [InlineData(StatusCodes.Status504GatewayTimeout, GrpcStatusCode.Unavailable)]
    [InlineData(StatusCodes.Status500InternalServerError, GrpcStatusCode.Unknown)]
    public async Task Answer_without_grpc_status_is_mapped_from_http(int http, GrpcStatusCode expected)
    {
        await using var server = await GrpcTestServer.StartAsync(app => RunExtensions.Run(app, context =>
        {
            context.Response.StatusCode = http;
            return Task.CompletedTask;
        }));
        using var channel = server.Connect();

        Assert.Equal(expected, (await Assert.ThrowsAsync<GrpcException>(() => SayAsync(channel, "x"))).StatusCode);
    }

    [Theory]
    [InlineData(0x7, GrpcStatusCode.Unavailable)]
    [InlineData(0x8, GrpcStatusCode.Cancelled)]
    [InlineData(0xB, GrpcStatusCode.ResourceExhausted)]
    [InlineData(0x2, GrpcStatusCode.Internal)]
    public async Task Reset_stream_is_mapped_from_its_error_code(int error, GrpcStatusCode expected)
    {
        await using var server = await GrpcTestServer.StartAsync(app => RunExtensions.Run(app, async context =>
        {
            context.Response.ContentType = "application/grpc";
            await context.Response.StartAsync();
            await context.Response.BodyWriter.FlushAsync();
            context.Features.Get<IHttpResetFeature>()!.Reset(error);
        }));
        using var channel = server.Connect();

        Assert.Equal(expected, (await Assert.ThrowsAsync<GrpcException>(() => SayAsync(channel, "x"))).StatusCode);
    }

    [Fact]
    public async Task Server_that_is_not_there_is_unavailable()
    {
        using var channel = new GrpcChannel(new Uri("http://127.0.0.1:1"));

        Assert.Equal(GrpcStatusCode.Unavailable, (await Assert.ThrowsAsync<GrpcException>(() => SayAsync(channel, "x"))).StatusCode);
    }

    private static Task<StringValue> SayAsync(GrpcChannel channel, string text) =>
        channel.UnaryAsync("/Echo/Say", new StringValue { Value = text }, StringValue.Parser);
}
