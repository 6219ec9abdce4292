using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Api.Tests;

namespace Sidecar.Runtime.Tests;

/// <summary>Spans of the sidecar and the trace context it hands on.</summary>
public sealed class TracingTests
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string Parent = $"00-{Trace}-b7ad6b7169203331-01";

    private readonly ConcurrentQueue<string?> _seen = [];

    [Fact]
    public async Task A_call_gets_a_span_below_the_callers_and_the_app_one_below_that()
    {
        await using var run = await StartAsync("samplingRate: \"1\", stdout: true");
        using var http = run.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1.0/invoke/app/method/hello") { Headers = { { "traceparent", Parent }, { "tracestate", "vendor=1" } } };

        using var response = await http.SendAsync(request);

        var app = ActivityContext.Parse(await SeenAsync(), null);
        var server = ActivityContext.Parse(response.Headers.GetValues("traceparent").Single(), null);
        Assert.Equal((Trace, Trace), (server.TraceId.ToString(), app.TraceId.ToString()));
        Assert.Equal("vendor=1", response.Headers.GetValues("tracestate").Single());
        await LogsAsync(run, $"span /v1.0/invoke/app/method/hello trace {Trace} id {server.SpanId} parent b7ad6b7169203331");
        await LogsAsync(run, $"span CallLocal/app/hello trace {Trace} id {app.SpanId} parent {server.SpanId}");
    }

    [Fact]
    public async Task A_message_carries_the_trace_of_its_publisher_to_its_subscriber()
    {
        await using var run = await StartAsync("samplingRate: \"1\", stdout: true");
        using var http = run.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1.0/publish/bus/orders") { Headers = { { "traceparent", Parent } }, Content = JsonContent.Create(1) };

        using var response = await http.SendAsync(request);

        var publish = ActivityContext.Parse(response.Headers.GetValues("traceparent").Single(), null);
        var app = ActivityContext.Parse(await SeenAsync(), null);
        Assert.Equal(Trace, app.TraceId.ToString());
        await LogsAsync(run, $"span pubsub/orders trace {Trace} id {app.SpanId} parent {publish.SpanId}");
    }

    [Fact]
    public async Task Without_sampling_the_context_is_handed_on_as_it_came()
    {
        await using var run = await StartAsync("samplingRate: \"0\", stdout: true");
        using var http = run.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1.0/invoke/app/method/hello") { Headers = { { "traceparent", Parent } } };

        using var response = await http.SendAsync(request);

        Assert.Equal(Parent, await SeenAsync());
        Assert.False(response.Headers.Contains("traceparent"));
        Assert.DoesNotContain(run.Log, line => line.Contains("span ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_not_sampled_is_handed_on_unrecorded()
    {
        await using var run = await StartAsync("samplingRate: \"0.0000001\"");
        using var http = run.Client();

        using var response = await http.GetAsync("/v1.0/invoke/app/method/hello");

        Assert.EndsWith("-00", response.Headers.GetValues("traceparent").Single(), StringComparison.Ordinal);
        Assert.EndsWith("-00", await SeenAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bad_baggage_is_refused_before_it_is_passed_on()
    {
        await using var run = await StartAsync("samplingRate: \"1\"");
        using var http = run.Client();

        foreach (var (baggage, status) in new[] { ("user=7;secure, tenant=a%20b", HttpStatusCode.OK), ("no list", HttpStatusCode.BadRequest) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1.0/metadata");
            request.Headers.TryAddWithoutValidation("baggage", baggage);
            Assert.Equal(status, (await http.SendAsync(request)).StatusCode);
        }
    }

    [Theory]
    [InlineData("http", HttpProtocols.Http1, "/v1/traces")]
    [InlineData("grpc", HttpProtocols.Http2, "/opentelemetry.proto.collector.trace.v1.TraceService/Export")]
    public async Task Spans_are_sent_to_a_collector(string protocol, HttpProtocols version, string path)
    {
        var received = new TaskCompletionSource<(string Path, string? Header, byte[] Body)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = version));
        await using var collector = builder.Build();
        collector.MapPost("/{**path}", async (HttpContext http) =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            http.Response.ContentType = http.Request.ContentType;
            if (http.Response.SupportsTrailers())
            {
                http.Response.AppendTrailer("grpc-status", "0");
            }

            received.TrySetResult((http.Request.Path.Value!, http.Request.Headers["x-key"], body.ToArray()));
        });
        await collector.StartAsync();
        var address = new Uri(collector.Urls.Single()).Authority;

        await using var run = await StartAsync($"samplingRate: \"1\", otel: {{endpointAddress: \"{address}\", isSecure: false, protocol: {protocol}, headers: [{{name: x-key, value: \"a b\"}}]}}");
        using var http = run.Client();
        await http.GetStringAsync("/v1.0/invoke/app/method/hello");

        var export = await received.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((path, "a b"), (export.Path, export.Header));
        var text = Encoding.Latin1.GetString(export.Body);
        Assert.Contains("service.name", text, StringComparison.Ordinal);
        Assert.Contains("CallLocal/app/hello", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("samplingRate: \"2\"", "spec.tracing.samplingRate is '2', not a number from 0 to 1")]
    [InlineData("samplingRate: \"1\", otel: {endpointAddress: x, protocol: tcp}", "spec.tracing.otel.protocol is 'tcp', not http or grpc")]
    public async Task A_mistake_in_the_settings_stops_the_start(string tracing, string problem) =>
        Assert.Contains(problem, (await Assert.ThrowsAsync<ComponentException>(() => StartAsync(tracing))).Message, StringComparison.Ordinal);

    private async Task<TestRun> StartAsync(string tracing)
    {
        var run = new TestRun().Yaml("c.yaml", $"kind: Configuration\nspec: {{tracing: {{{tracing}}}}}\n").Component("bus", "pubsub.in-memory");
        try
        {
            await run.AppAsync(
                "app",
                app =>
                {
                    app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = "bus", topic = "orders", route = "/orders" } });
                    app.MapPost("/orders", (HttpRequest request) => _seen.Enqueue(request.Headers.TraceParent));
                    app.MapGet("/hello", (HttpRequest request) => _seen.Enqueue(request.Headers.TraceParent));
                },
                configuration: "c.yaml");
            return await run.StartAsync();
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    private async Task<string> SeenAsync()
    {
        await TestRun.Eventually(() => !_seen.IsEmpty);
        return _seen.First() ?? "";
    }

    private static Task LogsAsync(TestRun run, string text) => TestRun.Eventually(() => run.Log.Any(line => line.Contains(text, StringComparison.Ordinal)));
}
