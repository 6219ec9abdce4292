using System.Diagnostics;
using System.Diagnostics.Metrics;
using Ai.Calls;
using Microsoft.Extensions.AI;

namespace Ai;

/// <summary>Spans and metrics of model calls, named by the OpenTelemetry GenAI conventions (status: development, so kept in one file).</summary>
public static class AiTelemetry
{
    /// <summary>Name of the activity source and the meter.</summary>
    public const string Name = "Ai";

    internal static readonly ActivitySource Source = new(Name);
    internal static readonly Meter Meter = new(Name);

    private static readonly Histogram<double> Duration = Meter.CreateHistogram(
        "gen_ai.client.operation.duration", "s", "Duration of a model call with its retries",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92] });

    private static readonly Histogram<long> Tokens = Meter.CreateHistogram(
        "gen_ai.client.token.usage", "{token}", "Tokens used",
        advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576] });

    internal static Activity? Start(ModelCall call)
    {
        var activity = Source.StartActivity($"{call.Operation} {call.Model.Name}", ActivityKind.Client);
        activity?.SetTag("gen_ai.operation.name", call.Operation);
        activity?.SetTag("gen_ai.provider.name", call.Model.Provider);
        activity?.SetTag("gen_ai.request.model", call.Model.Name);
        return activity;
    }

    internal static void Record(ModelCall call, Activity? activity, TimeSpan elapsed, UsageDetails? usage, string? error)
    {
        var tags = new TagList { { "gen_ai.operation.name", call.Operation }, { "gen_ai.request.model", call.Model.Name } };
        if (error is not null)
        {
            tags.Add("error.type", error);
            activity?.SetStatus(ActivityStatusCode.Error, error);
            activity?.SetTag("error.type", error);
        }

        Duration.Record(elapsed.TotalSeconds, tags);
        RecordTokens(usage?.InputTokenCount, call.Model.Name, "input");
        RecordTokens(usage?.OutputTokenCount, call.Model.Name, "output");
    }

    private static void RecordTokens(long? count, string model, string type)
    {
        if (count is { } tokens)
        {
            Tokens.Record(tokens, new("gen_ai.request.model", model), new("gen_ai.token.type", type));
        }
    }
}
