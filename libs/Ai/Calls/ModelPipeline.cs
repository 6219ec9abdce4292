using Ai.Telemetry;

namespace Ai.Calls;

/// <summary>The policies in their order, with the providers at the end.</summary>
internal sealed class ModelPipeline
{
    private readonly ModelHandler _handler;

    public ModelPipeline(IEnumerable<IModelPolicy> policies, ProviderClients providers)
    {
        ModelHandler handler = providers.AnswerAsync;
        foreach (var policy in policies.OrderByDescending(policy => policy.Place))
        {
            var next = handler;
            handler = (call, cancellationToken) => policy.InvokeAsync(call, next, cancellationToken);
        }

        _handler = handler;
    }

    /// <summary>Makes a call.</summary>
    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, CancellationToken cancellationToken)
    {
        var answer = await _handler(call, cancellationToken);
        if (answer.Cached)
        {
            CallTelemetry.TellKept(call, answer);
        }

        return answer;
    }
}
