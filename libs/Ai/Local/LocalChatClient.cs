using System.Runtime.CompilerServices;
using Ai.Calls;
using Microsoft.Extensions.AI;

namespace Ai.Local;

/// <summary>Text of the local provider: answers the tasks it has a skill for and refuses every other.</summary>
/// <param name="skills">What it can do.</param>
/// <param name="others">Ids of the models that could do the rest.</param>
/// <param name="metadata">Who it is.</param>
internal sealed class LocalChatClient(IEnumerable<ILocalSkill> skills, Func<IReadOnlyList<string>> others, ChatClientMetadata metadata) : IChatClient
{
    private readonly Dictionary<string, ILocalSkill> _skills = skills.ToDictionary(skill => skill.Task, StringComparer.Ordinal);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var task = CallScope.Of(options?.AdditionalProperties).Task;
        if (task is null || !_skills.TryGetValue(task, out var skill))
        {
            throw Missing(task);
        }

        var text = await skill.AnswerAsync([.. messages], cancellationToken);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, text)) { ModelId = LocalProvider.Name, FinishReason = ChatFinishReason.Stop };
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
        serviceType == typeof(ChatClientMetadata) ? metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private ModelException Missing(string? task)
    {
        var can = _skills.Count > 0 ? string.Join(", ", _skills.Keys.Order(StringComparer.Ordinal)) : "nothing with text";
        var models = others();
        var help = models.Count > 0 ? $"models that can: {string.Join(", ", models)}" : "configure a model server, see docs/models.md";
        return new ModelException(ModelFailure.CapabilityMissing, $"the local provider cannot do '{task ?? "free text"}'; it can do: {can}; {help}");
    }
}
