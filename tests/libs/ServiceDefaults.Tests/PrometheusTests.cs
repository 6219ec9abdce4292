using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;

namespace ServiceDefaults.Tests;

/// <summary>What <c>/metrics</c> answers, and to whom.</summary>
public sealed class PrometheusTests
{
    private const string MeterName = "metrics-shop";

    private static Task<TestService> StartAsync() => TestService.StartAsync(
        app => app.MapGet("/hello", () => "hello"), settings: ("OTEL_SERVICE_NAME", MeterName));

    private static async Task<string[]> ScrapeAsync(TestService service)
    {
        using var response = await service.SendAsync(HttpMethod.Get, "/metrics", token: TestService.AppToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        return (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split('\n');
    }

    [Fact]
    public async Task Counters_gauges_and_histograms_have_their_names_and_values()
    {
        await using var service = await StartAsync();
        using var meter = new Meter(MeterName);
        var sold = meter.CreateCounter<long>("apples.sold", "{apple}", "Apples sold");
        sold.Add(2, new KeyValuePair<string, object?>("kind", "red"));
        sold.Add(3, new KeyValuePair<string, object?>("kind", "red"));
        sold.Add(1, new KeyValuePair<string, object?>("kind", "say \"green\"\n"));
        meter.CreateObservableGauge("apples.weight", () => 2.5, "By");
        var wait = meter.CreateHistogram("apples.wait", "s", "Time to the counter", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });
        wait.Record(0.1);
        wait.Record(0.5);
        wait.Record(7);

        var lines = await ScrapeAsync(service);

        Assert.Contains("# HELP apples_sold_total Apples sold", lines);
        Assert.Contains("# TYPE apples_sold_total counter", lines);
        Assert.Contains("apples_sold_total{kind=\"red\"} 5", lines);
        Assert.Contains("apples_sold_total{kind=\"say \\\"green\\\"\\n\"} 1", lines);
        Assert.Contains("# TYPE apples_weight_bytes gauge", lines);
        Assert.Contains("apples_weight_bytes 2.5", lines);
        Assert.Contains("# TYPE apples_wait_seconds histogram", lines);
        Assert.Contains("apples_wait_seconds_bucket{le=\"0.1\"} 1", lines);
        Assert.Contains("apples_wait_seconds_bucket{le=\"1\"} 2", lines);
        Assert.Contains("apples_wait_seconds_bucket{le=\"+Inf\"} 3", lines);
        Assert.Contains("apples_wait_seconds_sum 7.6", lines);
        Assert.Contains("apples_wait_seconds_count 3", lines);
    }

    [Fact]
    public async Task An_app_that_nobody_asks_listens_from_its_start_to_its_end()
    {
        var name = $"{MeterName}-{Guid.NewGuid()}";
        using var meter = new Meter(name);
        var sold = meter.CreateCounter<long>("apples.sold");

        await using (await TestService.StartAsync(_ => { }, settings: ("OTEL_SERVICE_NAME", name)))
        {
            Assert.True(sold.Enabled);
        }

        Assert.False(sold.Enabled);
    }

    [Fact]
    public async Task Requests_are_measured_and_the_number_of_series_is_bounded()
    {
        await using var service = await StartAsync();
        using var meter = new Meter(MeterName);
        var visits = meter.CreateCounter<int>("visits");
        for (var visitor = 0; visitor < 5000; visitor++)
        {
            visits.Add(1, new KeyValuePair<string, object?>("visitor", visitor));
        }

        (await service.SendAsync(HttpMethod.Get, "/hello")).Dispose();
        var lines = await ScrapeAsync(service);

        Assert.Contains(lines, line => line.StartsWith("http_server_request_duration_seconds_count{", StringComparison.Ordinal) && line.Contains("http_route=\"/hello\"", StringComparison.Ordinal));
        Assert.Equal(2001, lines.Count(line => line.StartsWith("visits_total{", StringComparison.Ordinal)));
        Assert.Contains("visits_total{otel_metric_overflow=\"true\"} 3000", lines);
    }

    [Theory]
    [InlineData(null, 403)]
    [InlineData("wrong", 403)]
    [InlineData(TestService.AppToken, 200)]
    public async Task Answers_only_to_the_app_token_as_header_or_as_bearer(string? token, int status)
    {
        await using var service = await StartAsync();
        using var response = await service.SendAsync(HttpMethod.Get, "/metrics", token: token);
        Assert.Equal(status, (int)response.StatusCode);

        using var bearer = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        bearer.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var second = await service.Http.SendAsync(bearer, TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)second.StatusCode);
    }
}
