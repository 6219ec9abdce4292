using Dapr.Client.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ServiceDefaults.Tests;

public sealed class TelemetryTests
{
    [Fact]
    public async Task Spans_metrics_and_logs_arrive_at_the_collector()
    {
        await using var collector = await RecordingSidecar.StartAsync();
        collector.Answer = http =>
        {
            http.Response.ContentType = "application/x-protobuf";
            return Task.CompletedTask;
        };
        const string TraceId = "0af7651916cd43dd8448eb211c80319d";
        const string ProbeTraceId = "1bf7651916cd43dd8448eb211c80319d";
        await using (var service = await TestService.StartAsync(
            app => app.MapGet("/traced", (ILogger<TelemetryTests> logger) => logger.LogInformation("apples {Count}", 3)),
            settings: [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_SERVICE_NAME", "traced-shop"), ("OTEL_METRIC_EXPORT_INTERVAL", "60000")]))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/traced");
            request.Headers.Add("traceparent", $"00-{TraceId}-b7ad6b7169203331-01");
            using var response = await service.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.True(response.IsSuccessStatusCode);
            using var probe = new HttpRequestMessage(HttpMethod.Get, "/healthz/ready");
            probe.Headers.Add("traceparent", $"00-{ProbeTraceId}-b7ad6b7169203331-01");
            using var ready = await service.Http.SendAsync(probe, TestContext.Current.CancellationToken);
            await service.App.StopAsync(TestContext.Current.CancellationToken);
        }

        // What waits to be sent is sent when the service ends.
        Assert.All(collector.Requests, request => Assert.Equal("application/x-protobuf", request.Headers["Content-Type"]));
        Assert.True(Has("/v1/traces", Convert.FromHexString(TraceId)), "no span");
        Assert.True(Has("/v1/traces", "traced-shop"u8), "no service name");
        Assert.True(Has("/v1/traces", "GET /traced"u8), "no name by route");
        Assert.True(Has("/v1/traces", "http.response.status_code"u8), "no status");
        Assert.False(Has("/v1/traces", Convert.FromHexString(ProbeTraceId)), "a probe is traced");
        Assert.True(Has("/v1/metrics", "http.server.request.duration"u8), "no metric");
        Assert.True(Has("/v1/logs", "apples"u8), "no log record");

        bool Has(string path, ReadOnlySpan<byte> bytes)
        {
            foreach (var request in collector.Requests)
            {
                if (request.Target == path && request.Bytes.AsSpan().IndexOf(bytes) >= 0)
                {
                    return true;
                }
            }

            return false;
        }
    }
}
