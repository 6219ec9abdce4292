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
            string[] ids = [value.OpenAi.Model, .. value.OpenAi.Models];
            Supported = [.. ids.Distinct(StringComparer.OrdinalIgnoreCase)];
            foreach (var id in Supported)
            {
                _clients[id] = new(() => new PolicyChatClient(
                    new OpenAiChatClient(value.OpenAi, id), value.Calls, time, loggers.CreateLogger<PolicyChatClient>()));
            }
        }
        else
        {
            Supported = [LocalChatClient.ModelId];
            _clients[LocalChatClient.ModelId] = new(() => new LocalChatClient(skills));
        }
    }

    public IReadOnlyList<string> Supported { get; }

    public IChatClient Get(string? model) => _clients.TryGetValue(model ?? Supported[0], out var client)
        ? client.Value
        : throw new ModelException("MODEL_CAPABILITY_MISSING", $"model '{model}' is not supported here", isTransient: false);

    public void Dispose()
    {
        foreach (var client in _clients.Values.Where(client => client.IsValueCreated))
        {
            client.Value.Dispose();
        }
    }
}
