using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Ai;

/// <summary>
/// Spans and metrics of model calls, named by the OpenTelemetry GenAI conventions (docs/gen-ai of open-telemetry/semantic-conventions; status:
/// development, so all their names are in this file and in <see cref="Telemetry.CallTelemetry"/>).
/// </summary>
public static class AiTelemetry
{
    /// <summary>Name of the activity source and the meter.</summary>
    public const string Name = "Ai";

    internal static readonly ActivitySource Source = new(Name);
    internal static readonly Meter Meter = new(Name);

    private static readonly InstrumentAdvice<double> Seconds =
        new() { HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92] };

    internal static readonly Histogram<double> Duration = Meter.CreateHistogram(
        "gen_ai.client.operation.duration", "s", "Duration of a model call with its wait in line and its retries", advice: Seconds);

    internal static readonly Histogram<double> TimeToFirstChunk = Meter.CreateHistogram(
        "gen_ai.client.operation.time_to_first_chunk", "s", "Time from the start of a streamed call to its first piece", advice: Seconds);

    internal static readonly Histogram<double> TimePerOutputChunk = Meter.CreateHistogram(
        "gen_ai.client.operation.time_per_output_chunk", "s", "Time from one piece of a streamed answer to the next", advice: Seconds);

    internal static readonly Histogram<long> Tokens = Meter.CreateHistogram(
        "gen_ai.client.token.usage", "{token}", "Tokens used",
        advice: new InstrumentAdvice<long>
        {
            HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
        });

    internal static readonly Counter<double> Cost = Meter.CreateCounter<double>("tandem.ai.cost", "{USD}", "What model calls cost, where the price is known");
}
