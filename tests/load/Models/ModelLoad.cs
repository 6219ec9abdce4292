using System.Diagnostics;
using System.Diagnostics.Metrics;
using Ai;
using Ai.Calls;
using Ai.Providers;
using Ai.Sharing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Load.Models;

/// <summary>What model access costs: its policies around a provider that answers at once, the first token of a stream, and many streams at a time.</summary>
internal static class ModelLoad
{
    /// <summary>The model that is asked.</summary>
    public const string Model = "openai/gpt-5.2";

    /// <summary>The key that the server wants.</summary>
    public const string Key = "key-of-the-benchmark";

    /// <summary>Runs all three, with telemetry as in production: somebody listens to metrics and spans.</summary>
    public static async Task<int> RunAsync(int rounds, int streams, TextWriter output, CancellationToken cancellationToken)
    {
        using var metrics = new MeterListener { InstrumentPublished = (instrument, listener) => ListenTo(instrument, listener) };
        metrics.SetMeasurementEventCallback<double>((_, _, _, _) => { });
        metrics.SetMeasurementEventCallback<long>((_, _, _, _) => { });
        metrics.Start();
        using var spans = new ActivityListener
        {
            ShouldListenTo = source => source.Name == AiTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(spans);

        await PolicyCost.MeasureAsync(rounds, output, cancellationToken);
        await FirstToken.MeasureAsync(rounds, output, cancellationToken);
        await ManyStreams.MeasureAsync(streams, output, cancellationToken);
        return 0;
    }

    /// <summary>Model access with provider <c>openai</c> at <paramref name="baseUrl"/>; only the policy of a type when one is given.</summary>
    public static ServiceProvider Services(
        Uri baseUrl, IModelProvider? provider = null, Type? onlyPolicy = null, ISharedState? state = null, params (string Key, string Value)[] settings)
    {
        var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection([
                new("Ai:Providers:openai:BaseUrl", baseUrl.ToString()),
                new("Ai:Providers:openai:Keys:0:Value", Key),
                new("Ai:Model", Model),
                new("Ai:Calls:MaxConcurrentCalls", "10000"),
                new("Ai:Admission:MaxConcurrentCalls", "10000"),
                new("Ai:Admission:MaxWaiting", "0"),
                .. settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value)),
            ]).Build())
            .AddModels();
        if (state is not null)
        {
            services.AddSingleton(state);
        }

        if (provider is not null)
        {
            services.RemoveAll<IModelProvider>().AddSingleton(provider).AddModelProvider<Ai.Local.LocalProvider>();
        }

        if (onlyPolicy is not null)
        {
            foreach (var other in services.Where(service => service.ServiceType == typeof(IModelPolicy) && service.ImplementationType != onlyPolicy).ToArray())
            {
                services.Remove(other);
            }
        }

        return services.BuildServiceProvider();
    }

    private static void ListenTo(Instrument instrument, MeterListener listener)
    {
        if (instrument.Meter.Name == AiTelemetry.Name)
        {
            listener.EnableMeasurementEvents(instrument);
        }
    }
}
