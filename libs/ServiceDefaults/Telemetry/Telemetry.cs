using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using ServiceDefaults.Identity;

namespace ServiceDefaults.Telemetry;

/// <summary>
/// Traces, metrics and logs over OTLP/HTTP when OTEL_EXPORTER_OTLP_ENDPOINT is set; metrics for Prometheus always. The package
/// OpenTelemetry.Extensions.Hosting would replace the starter below.
/// </summary>
internal static class TelemetryExtensions
{
    private static readonly string[] Sources = ["Microsoft.AspNetCore", "System.Net.Http", "Dapr.Workflow", "Ai"];

    private static readonly string[] Meters =
    [
        "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime", "Ai", "Auth", "Desk", "EventRouter", "Users",
        RevocationMetrics.MeterName,
    ];

    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        var name = builder.Configuration["OTEL_SERVICE_NAME"] ?? builder.Environment.ApplicationName;
        builder.Services.AddSingleton(_ => new PrometheusMetrics([.. Meters, name]));
        if (builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is not { Length: > 0 } endpoint)
        {
            return;
        }

        // .NET 10 fills in the attributes of a request's start only when asked to; those of its end are RequestSpans.
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);
        var interval = builder.Configuration.GetValue("OTEL_METRIC_EXPORT_INTERVAL", 10_000);
        var resource = ResourceBuilder.CreateDefault().AddService(name);
        void Export(OtlpExporterOptions options, string path)
        {
            options.Endpoint = new Uri($"{endpoint.TrimEnd('/')}/v1/{path}");
            options.Protocol = OtlpExportProtocol.HttpProtobuf;
        }

        builder.Services.AddSingleton(_ => Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource).AddSource([.. Sources, name]).AddOtlpExporter(options => Export(options, "traces")).Build());
        builder.Services.AddSingleton(_ => Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource).AddMeter([.. Meters, name])
            .AddOtlpExporter((options, reader) =>
            {
                Export(options, "metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = interval;
            }).Build());
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.SetResourceBuilder(resource);
            logging.AddOtlpExporter(options => Export(options, "logs"));
        });
        builder.Services.AddHostedService<Starter>();
    }

    /// <summary>Nothing else would create the providers.</summary>
    private sealed class Starter(IServiceProvider services) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            services.GetRequiredService<TracerProvider>();
            services.GetRequiredService<MeterProvider>();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
