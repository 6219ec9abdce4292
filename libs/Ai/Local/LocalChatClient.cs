using System.Runtime.CompilerServices;
using Ai.Calls;
using Microsoft.Extensions.AI;

namespace Ai.Local;

/// <summary>The embedded provider: no key, no network. Answers the tasks it has a skill for and refuses every other.</summary>
internal sealed class LocalChatClient(IEnumerable<ILocalSkill> skills) : IChatClient
{
    public const string ModelId = LocalProvider.Name;

    private readonly Dictionary<string, ILocalSkill> _skills = skills.ToDictionary(skill => skill.Task, StringComparer.Ordinal);
    private readonly ChatClientMetadata _metadata = new(LocalProvider.Name, defaultModelId: ModelId);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var task = CallScope.Of(options?.AdditionalProperties).Task;
        if (task is null || !_skills.TryGetValue(task, out var skill))
        {
            throw new ModelException(
                ModelFailure.CapabilityMissing,
                $"the local provider cannot do '{task ?? "free text"}'; it can do: {string.Join(", ", _skills.Keys.Order())}. Set a key for a model server");
        }

        var text = await skill.AnswerAsync([.. messages], cancellationToken);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, text)) { ModelId = ModelId, FinishReason = ChatFinishReason.Stop };
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var response = await GetResponseAsync(messages, options, cancellationToken);
        foreach (var update in response.ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }
}
