using System.Collections.Concurrent;
using Ai.Calls;
using Ai.Catalogue;
using Ai.Providers;
using Ai.Telemetry;
using Microsoft.Extensions.Options;

namespace Ai.Policies;

/// <summary>A span and metrics for the call to one model, whatever its end.</summary>
internal sealed class TelemetryPolicy(
    ModelCatalogue catalogue, IEnumerable<IModelProvider> providers, IOptions<AiOptions> options, TimeProvider time) : IModelPolicy
{
    private readonly ConcurrentDictionary<string, ProviderTags> _tags = new(StringComparer.OrdinalIgnoreCase);

    public PolicyPlace Place => PolicyPlace.Telemetry;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        var provider = _tags.TryGetValue(call.Model.Provider, out var known) ? known : _tags.GetOrAdd(call.Model.Provider, Tags);
        // The span is current in here, so it is the parent of the provider's requests, and not where the answer is read.
        var telemetry = new CallTelemetry(call, provider, options.Value.Telemetry, time);
        ModelAnswer answer;
        try
        {
            answer = await next(call, cancellationToken);
        }
        catch (Exception exception)
        {
            telemetry.End(new CallEnd(Usage: null, exception));
            throw;
        }

        telemetry.Answered(answer);
        answer.WhenEnded(telemetry.End);
        return answer;
    }

    private ProviderTags Tags(string name)
    {
        var provider = catalogue.Providers[name];
        return new ProviderTags(provider.Kind!, providers.First(known => known.Kind == provider.Kind).AddressOf(provider));
    }
}
