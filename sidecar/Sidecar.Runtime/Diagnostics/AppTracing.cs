using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Sidecar.Abstractions;
using Sidecar.Runtime.Loading;

namespace Sidecar.Runtime.Diagnostics;

/// <summary>
/// The spans that the sidecar of one app makes (protocol: HTTP §0.5): one per API call, <c>CallLocal/{app}/{path}</c> per call of the app,
/// <c>pubsub/{topic}</c> and <c>bindings/{name}</c> per delivery. Parents are named by their W3C headers and never taken from the ambient
/// activity, which belongs to the web server. An app without tracing has no object of this class, and pays nothing.
/// </summary>
public sealed partial class AppTracing : IDisposable
{
    /// <summary>Name of a call's span when it is not the call's own.</summary>
    public static readonly HttpRequestOptionsKey<string> SpanName = new("tandem.span");

    private const string TraceParent = "traceparent";
    private const string TraceState = "tracestate";

    private readonly string _appId;
    private readonly ActivitySource _source;
    private readonly TracerProvider _provider;

    private AppTracing(SidecarInstance instance, TracingSettings settings, ILogger logger)
    {
        _appId = instance.AppId;
        _source = new ActivitySource(string.Create(CultureInfo.InvariantCulture, $"Sidecar.Runtime/{instance.AppId}#{instance.Index}"));
        var builder = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(ResourceBuilder.CreateEmpty().AddService(instance.AppId, serviceInstanceId: instance.Index.ToString(CultureInfo.InvariantCulture)))
            .AddSource(_source.Name)
            .SetSampler(new ParentOrRatioSampler(settings.SamplingRate));
        if (settings.Stdout)
        {
            builder.AddProcessor(new SimpleActivityExportProcessor(new LogExporter(instance.AppId, logger)));
        }

        if (settings.Otlp is { } target)
        {
            builder.AddOtlpExporter(options => Configure(options, target));
        }

        _provider = builder.Build();
    }

    /// <summary>Starts the spans of an app; null when it samples nothing.</summary>
    public static AppTracing? Start(SidecarInstance instance, TracingSettings settings, ILogger logger) =>
        settings.SamplingRate > 0 ? new AppTracing(instance, settings, logger) : null;

    /// <summary>Starts a span below the given parent, or one of a new trace.</summary>
    public Activity? StartSpan(string name, ActivityKind kind, string? traceParent, string? traceState)
    {
        ActivityContext.TryParse(traceParent, traceState, isRemote: true, out var parent);
        var ambient = Activity.Current;
        Activity.Current = null;
        var span = _source.StartActivity(name, kind, parent);
        Activity.Current = ambient;
        return span;
    }

    /// <summary>
    /// Starts the span of a call to the app and puts it into the request's headers. A call that belongs to no trace and has no
    /// <see cref="SpanName"/> (<c>GET /dapr/subscribe</c>) makes none.
    /// </summary>
    internal Activity? StartCall(HttpRequestMessage request)
    {
        var isDelivery = request.Options.TryGetValue(SpanName, out var name);
        var parent = Header(request, TraceParent);
        if (!isDelivery && parent is null)
        {
            return null;
        }

        var span = StartSpan(
            name ?? $"CallLocal/{_appId}{request.RequestUri!.AbsolutePath}", isDelivery ? ActivityKind.Consumer : ActivityKind.Client, parent,
            Header(request, TraceState));
        if (span is not null)
        {
            request.Headers.Remove(TraceParent);
            request.Headers.TryAddWithoutValidation(TraceParent, span.Id);
        }

        return span;
    }

    public void Dispose()
    {
        _provider.Dispose();
        _source.Dispose();
    }

    private static string? Header(HttpRequestMessage request, string name) =>
        request.Headers.NonValidated.TryGetValues(name, out var values) && values.ToString() is { Length: > 0 } value ? value : null;

    /// <summary>The environment has the last word (<c>OTEL_EXPORTER_OTLP_…</c>): the exporter has read it already.</summary>
    private static void Configure(OtlpExporterOptions options, OtlpTarget target)
    {
        if (Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_PROTOCOL") is null)
        {
            options.Protocol = target.IsGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        }

        if (Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is null)
        {
            options.Endpoint = target.IsGrpc || target.Endpoint.AbsolutePath != "/" ? target.Endpoint : new Uri(target.Endpoint, "/v1/traces");
        }

        if (target.Headers.Count > 0 && Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_HEADERS") is null)
        {
            options.Headers = string.Join(',', target.Headers.Select(header => $"{header.Key}={Uri.EscapeDataString(header.Value)}"));
        }

        if (target.Timeout is { } timeout)
        {
            options.TimeoutMilliseconds = (int)timeout.TotalMilliseconds;
        }

        options.BatchExportProcessorOptions.ScheduledDelayMilliseconds = 1000;
    }

    /// <summary>What the caller records is recorded; of the rest a share of the traces.</summary>
    private sealed class ParentOrRatioSampler(double rate) : Sampler
    {
        private readonly TraceIdRatioBasedSampler _ratio = new(rate);

        public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
            samplingParameters.ParentContext.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
                ? new SamplingResult(SamplingDecision.RecordAndSample)
                : _ratio.ShouldSample(samplingParameters);
    }

    /// <summary><c>stdout: true</c>: a line per span in the sidecar's log.</summary>
    private sealed class LogExporter(string appId, ILogger logger) : BaseExporter<Activity>
    {
        public override ExportResult Export(in Batch<Activity> batch)
        {
            foreach (var span in batch)
            {
                LogSpan(logger, appId, span.DisplayName, span.TraceId, span.SpanId, span.ParentSpanId, span.Duration.TotalMilliseconds);
            }

            return ExportResult.Success;
        }
    }

    [LoggerMessage(2402, LogLevel.Information, "{AppId}: span {Name} trace {TraceId} id {SpanId} parent {ParentId} {Milliseconds} ms")]
    private static partial void LogSpan(
        ILogger logger, string appId, string name, ActivityTraceId traceId, ActivitySpanId spanId, ActivitySpanId parentId, double milliseconds);
}
