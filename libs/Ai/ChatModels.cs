using Ai.Local;
using Ai.OpenAi;
using Ai.Policies;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ai;

/// <summary>Builds each model's client once and keeps it: connections, breaker and bulkhead belong to the model, not to a request.</summary>
internal sealed class ChatModels : IChatModels, IDisposable
{
    private readonly Dictionary<string, Lazy<IChatClient>> _clients = new(StringComparer.OrdinalIgnoreCase);

    public ChatModels(IOptions<AiOptions> options, IEnumerable<ILocalSkill> skills, TimeProvider time, ILoggerFactory loggers)
    {
        var value = options.Value;
        if (value.UsesOpenAi)
        {
            Supported = [.. value.OpenAi.Supported];
            foreach (var id in Supported)
            {
                Add(id, () => new OpenAiChatClient(value.OpenAi, id), value.Calls);
            }
        }
        else
        {
            Supported = [LocalChatClient.ModelId];
            Add(LocalChatClient.ModelId, () => new LocalChatClient(skills), LocalCalls(value.Calls));
        }

        void Add(string id, Func<IChatClient> create, ModelCallOptions calls) => _clients[id] = new(() =>
            new PolicyChatClient(create(), calls, time, loggers.CreateLogger<PolicyChatClient>()));
    }

    public IReadOnlyList<string> Supported { get; }

    public IChatClient Get(string? model) => _clients.TryGetValue(model ?? Supported[0], out var client)
        ? client.Value
        : throw new ModelException("MODEL_CAPABILITY_MISSING", $"model '{model}' is not supported here", isTransient: false);

    /// <summary>A skill computes: more at a time than there are processors take memory and win nothing, and a repetition gives the same.</summary>
    private static ModelCallOptions LocalCalls(ModelCallOptions calls) => new()
    {
        AttemptTimeout = calls.AttemptTimeout,
        Retries = 0,
        MaxConcurrentCalls = Math.Min(calls.MaxConcurrentCalls, Environment.ProcessorCount),
    };

    public void Dispose()
    {
        foreach (var client in _clients.Values.Where(client => client.IsValueCreated))
        {
            client.Value.Dispose();
        }
    }
}
