using System.Diagnostics;
using FakeModelServer;
using ScanClient;

namespace Platform.Tests;

/// <summary>One request is one trace, through invocation, the workflow and the messages it leads to.</summary>
public sealed class TracingTests
{
    private static readonly string Root = ActivitySpanId.CreateRandom().ToHexString();

    private static readonly (string Service, string Name)[] Steps =
    [
        ("gateway", "POST /api/v1/scan/{**rest}"),
        ("scan", "POST /api/v1/scan/"),
        ("scan-worker", "POST /on/scan-requested"),
        ("scan-worker", "WorkflowActivity VisionActivity"),
        ("images", "GET /internal/images/{channel}/{file}"),
        ("scan-worker", "chat gpt-5.2"),
        ("scan-worker", "WorkflowActivity RuleActivity"),
        ("scan-worker", "WorkflowActivity AnswerActivity"),
        ("scan-worker", "WorkflowActivity RewardActivity"),
        ("characters", "POST /internal/characters/match"),
        ("scan-worker", "WorkflowActivity FinishActivity"),
        ("event-router", "POST /jobs/{jobId:guid}/events"),
        ("sse", "POST /on/job-log"),
        ("characters", "POST /on/scan-rewarded"),
        ("users", "POST /on/scan-rewarded"),
    ];

    [Fact]
    public async Task A_scan_is_one_trace_from_the_gateway_to_the_reward()
    {
        await using var collector = await TraceCollector.StartAsync();
        await using var run = await PlatformRun.StartAsync(
            new FakeModelOptions(),
            [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000"), ("OTEL_BSP_SCHEDULE_DELAY", "100")]);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        var user = await run.UserAsync(limit.Token);
        var image = await user.UploadAsync(PlatformRun.Picture, "image/png", limit.Token);
        var trace = ActivityTraceId.CreateRandom().ToHexString();

        run.Http.DefaultRequestHeaders.Add("traceparent", $"00-{trace}-{Root}-01");
        var job = await user.SubmitAsync(image, "traced", limit.Token);
        run.Http.DefaultRequestHeaders.Remove("traceparent");
        var stream = new JobStream(user);
        await stream.ReadToEndAsync(job, limit.Token);

        Assert.Equal("completed", stream.Terminal);
        List<Span> Spans() => [.. collector.Spans.Where(span => span.TraceId == trace)];
        // The characters and points follow by message, and spans are sent in batches.
        await collector.UntilAsync(() => Missing(Spans()).Count == 0, limit.Token, () => $"missing: {string.Join(", ", Missing(Spans()))}");
    }

    /// <summary>The steps without a span, and the spans whose parent is not there: a chain that is broken.</summary>
    private static List<string> Missing(List<Span> spans)
    {
        var ids = spans.Select(span => span.Id).Append(Root).ToHashSet();
        return
        [
            .. Steps.Where(step => !spans.Any(span => (span.Service, span.Name) == step)).Select(step => $"{step.Service} {step.Name}"),
            .. spans.Where(span => !ids.Contains(span.ParentId)).Select(span => $"the parent of {span.Service} {span.Name}"),
        ];
    }
}
