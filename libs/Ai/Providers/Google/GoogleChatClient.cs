using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Ai.Providers.Google;

/// <summary>POST {model}:generateContent, and :streamGenerateContent?alt=sse.</summary>
internal sealed class GoogleChatClient(GoogleApi api, string model) : IChatClient
{
    private readonly ChatClientMetadata _metadata = new(api.Name, api.Address, model);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var answer = await api.PostAsync(
            model, "generateContent", GoogleRequests.Chat(model, messages, options, api.SendsCallIds),
            GoogleJson.Wire.GenerateContentRequest, GoogleJson.Wire.GenerateContentResponse, cancellationToken);
        var candidate = GoogleAnswers.CandidateOf(api.Name, answer) ?? throw api.Malformed("without a candidate");
        if (candidate.FinishReason is not { } reason)
        {
            throw api.Malformed("without a finish reason");
        }

        var contents = GoogleAnswers.Contents(candidate);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, contents))
        {
            ResponseId = answer.ResponseId,
            ModelId = model,
            FinishReason = GoogleAnswers.Finish(api.Name, reason, contents.Any(content => content is FunctionCallContent)),
            Usage = GoogleAnswers.Usage(answer.UsageMetadata),
        };
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string? reason = null;
        string? id = null;
        UsageMetadata? usage = null;
        var calls = false;
        await foreach (var answer in api.StreamAsync(model, GoogleRequests.Chat(model, messages, options, api.SendsCallIds), cancellationToken))
        {
            id ??= answer.ResponseId;
            // Every event tells the tokens so far.
            usage = answer.UsageMetadata ?? usage;
            if (GoogleAnswers.CandidateOf(api.Name, answer) is not { } candidate)
            {
                continue;
            }

            if (GoogleAnswers.Contents(candidate) is { Count: > 0 } contents)
            {
                calls |= contents.Exists(content => content is FunctionCallContent);
                yield return Update(id, contents);
            }

            reason = candidate.FinishReason ?? reason;
        }

        if (reason is null)
        {
            throw new ModelException(ModelFailure.Cut, $"{api.Name}'s stream ended without a finish reason");
        }

        var last = Update(id, GoogleAnswers.Usage(usage) is { } details ? [new UsageContent(details)] : []);
        last.FinishReason = GoogleAnswers.Finish(api.Name, reason, calls);
        yield return last;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private ChatResponseUpdate Update(string? id, IList<AIContent> contents) =>
        new(ChatRole.Assistant, contents) { ResponseId = id, MessageId = id, ModelId = model };
}
