using System.Net;
using System.Net.Sockets;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Builder;
using Tandem.Protocol.Grpc;

namespace Sidecar.Api.Tests;

/// <summary>Sockets in the file system beside the ports of an app (<c>unixDomainSocket</c>).</summary>
public sealed class UnixSocketTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_instance_has_an_HTTP_and_a_gRPC_socket_that_replace_what_was_left_and_ask_for_the_token()
    {
        await using var run = new TestRun().Component("store", "state.in-memory", "actorStateStore=true");
        var folder = Path.Combine(run.Folder, "sockets");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "dapr-cart-http.socket"), "left by a sidecar that was killed", Token);
        await run.AppAsync("cart", app => app.MapGet("/hello", () => "hello"), apiToken: "secret", unixDomainSocket: folder);
        await run.AppAsync("cart", index: 1, apiToken: "secret", unixDomainSocket: folder);
        await run.StartAsync();

        Assert.Equal(
            ["dapr-cart-1-grpc.socket", "dapr-cart-1-http.socket", "dapr-cart-grpc.socket", "dapr-cart-http.socket"],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using var http = new HttpClient(Through(Path.Combine(folder, "dapr-cart-http.socket"))) { BaseAddress = new Uri("http://localhost") };
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("/v1.0/invoke/cart/method/hello", Token)).StatusCode);
        http.DefaultRequestHeaders.Add("dapr-api-token", "secret");
        Assert.Equal("hello", await http.GetStringAsync("/v1.0/invoke/cart/method/hello", Token));

        using var grpc = new GrpcChannel(
            new Uri("http://localhost"), new GrpcChannelOptions { Token = "secret", HttpHandler = Through(Path.Combine(folder, "dapr-cart-1-grpc.socket")) });
        await grpc.UnaryAsync("/TaskHubSidecarService/Hello", new Empty(), Empty.Parser, cancellationToken: Token);
    }

    private static SocketsHttpHandler Through(string path) => new()
    {
        UseProxy = false,
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };
}
