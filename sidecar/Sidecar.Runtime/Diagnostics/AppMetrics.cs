using System.Globalization;
using System.Text;
using Sidecar.Abstractions;
using Sidecar.Runtime.Loading;

namespace Sidecar.Runtime.Diagnostics;

/// <summary>What the sidecar of one app counts, under the names of daprd (protocol: HTTP §16).</summary>
public sealed class AppMetrics
{
    private readonly string _app;

    private AppMetrics(string appId)
    {
        _app = MetricFamily.Label("app_id", appId);
        Requests = new("dapr_http_server_request_count", "dapr_http_server_latency", _app, "method", "status");
        State = new("dapr_component_state_count", "dapr_component_state_latencies", Component, "component", "operation", "success");
        Egress = new("dapr_component_pubsub_egress_count", "dapr_component_pubsub_egress_latencies", Component, "component", "topic", "success");
        BulkEgress = new("dapr_component_pubsub_egress_bulk_count", "dapr_component_pubsub_egress_bulk_latencies", Component, "component", "topic", "success");
        Ingress = new("dapr_component_pubsub_ingress_count", "dapr_component_pubsub_ingress_latencies", Component, "component", "topic", "process_status");
    }

    /// <summary>Requests to the HTTP API: method, status.</summary>
    public MetricFamily Requests { get; }

    /// <summary>Operations of state stores: component, operation, success.</summary>
    public MetricFamily State { get; }

    /// <summary>Messages published: component, topic, success.</summary>
    public MetricFamily Egress { get; }

    /// <summary>Bulk publishes: component, topic, success.</summary>
    public MetricFamily BulkEgress { get; }

    /// <summary>Messages delivered one by one: component, topic, process status.</summary>
    public MetricFamily Ingress { get; }

    private string Component => $"{_app},namespace=\"\"";

    /// <summary>Null counts nothing: without a port nobody can ask.</summary>
    public static AppMetrics? Start(SidecarInstance instance, AppConfiguration configuration) =>
        instance.MetricsPort is not null && configuration.Metrics ? new AppMetrics(instance.AppId) : null;

    /// <summary>Everything in the text format of Prometheus.</summary>
    public string Write(int components)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# TYPE dapr_runtime_component_loaded gauge\ndapr_runtime_component_loaded{{{_app}}} {components}\n");
        foreach (var family in (MetricFamily[])[Requests, State, Egress, BulkEgress, Ingress])
        {
            family.Write(text);
        }

        return text.ToString();
    }
}
