using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Sidecar.Api.Tests;

/// <summary>The metrics port (protocol: HTTP §16).</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task Tells_what_the_sidecar_of_the_app_has_done()
    {
        var handled = new TaskCompletionSource();
        await using var run = new TestRun().Component("store", "state.in-memory").Component("bus", "pubsub.in-memory");
        await run.AppAsync("app", metricsPort: 0, map: app =>
        {
            app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = "bus", topic = "t", route = "/t" } });
            app.MapPost("/t", () => handled.TrySetResult());
        });
        await run.AppAsync("other");
        await run.StartAsync();
        await TestRun.Eventually(() => run.Sidecar.Apps[0].Subscriptions.Count == 1);
        using var http = run.Client();
        using var other = run.Client(1);
        await http.PostAsJsonAsync("/v1.0/state/store", new[] { new { key = "k", value = 1 } });
        await http.GetAsync("/v1.0/state/store/k");
        await http.GetAsync("/v1.0/state/nowhere/k");
        await other.GetAsync("/v1.0/state/store/k");
        await http.PostAsJsonAsync("/v1.0/publish/bus/t", 1);
        await handled.Task.WaitAsync(TimeSpan.FromSeconds(60));

        string[] expected =
        [
            """dapr_component_pubsub_ingress_count{app_id="app",namespace="",component="bus",topic="t",process_status="success"} 1""",
            """dapr_runtime_component_loaded{app_id="app"} 2""",
            "# TYPE dapr_http_server_request_count counter",
            """dapr_http_server_request_count{app_id="app",method="POST",status="204"} 2""",
            """dapr_http_server_request_count{app_id="app",method="GET",status="200"} 1""",
            """dapr_http_server_latency_bucket{app_id="app",method="GET",status="200",le="+Inf"} 1""",
            """dapr_component_state_count{app_id="app",namespace="",component="store",operation="set",success="true"} 1""",
            """dapr_component_state_latencies_count{app_id="app",namespace="",component="store",operation="get",success="true"} 1""",
            """dapr_component_pubsub_egress_count{app_id="app",namespace="",component="bus",topic="t",success="true"} 1""",
        ];
        // A call is counted when it is over, which may be after its answer.
        string[] lines = [];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!expected.All(line => lines.Contains(line)) && !limit.IsCancellationRequested)
        {
            lines = (await http.GetStringAsync(Metrics(run))).Split('\n');
        }

        Assert.All(expected, line => Assert.Contains(line, lines));
    }

    [Fact]
    public async Task Answers_nothing_else_and_no_foreign_page()
    {
        await using var run = new TestRun();
        await run.AppAsync("app", metricsPort: 0, apiToken: "token");
        await run.StartAsync();
        using var http = run.Client();
        using var foreign = new HttpRequestMessage(HttpMethod.Get, Metrics(run)) { Headers = { Host = "example.com" } };

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(Metrics(run))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri(Metrics(run), "/v1.0/metadata"))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await http.SendAsync(foreign)).StatusCode);
    }

    [Fact]
    public async Task Is_off_without_a_port_and_by_the_configuration()
    {
        await using var run = new TestRun().Yaml("off.yaml", "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {name: off}\nspec:\n  metric: {enabled: false}\n");
        await run.AppAsync("none");
        await run.AppAsync("off", metricsPort: run.KeptPort(), configuration: "off.yaml");
        await run.StartAsync();

        Assert.All(run.Sidecar.Instances, instance => Assert.Null(instance.MetricsPort));
        Assert.All(run.Sidecar.Apps, app => Assert.Null(app.Metrics));
    }

    private static Uri Metrics(TestRun run) => new($"http://127.0.0.1:{run.Sidecar.Instances[0].MetricsPort}/metrics");
}
