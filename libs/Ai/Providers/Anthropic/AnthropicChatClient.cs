using System.Runtime.CompilerServices;
using Anthropic;
using Anthropic.Models.Messages;
using Microsoft.Extensions.AI;
using Type = System.Type;

namespace Ai.Providers.Anthropic;

/// <summary>
/// <see cref="IChatClient"/> over the package's own (POST /v1/messages): text, pictures, tools, answers by JSON schema (<c>output_config.format</c>),
/// streams. It adds what the callers of a provider rely on and the package leaves open: a refusal, a stream without its end and broken arguments of a tool
/// are failures, and what the model cannot be sent is one instead of left out. Temperature, top_p and top_k are left out: this version of the API refuses
/// them.
/// </summary>
internal sealed class AnthropicChatClient : IChatClient
{
    /// <summary>max_tokens, which the API demands, for a call that sets none; less where the model's own limit is known to be lower.</summary>
    private const int DefaultMaxTokens = 8192;

    private static readonly string[] PictureTypes = ["image/jpeg", "image/png", "image/gif", "image/webp"];

    private readonly IChatClient _inner;
    private readonly ChatClientMetadata _metadata;

    public AnthropicChatClient(AnthropicClient client, ProviderConnection connection, string model)
    {
        _inner = client.AsIChatClient(model, connection.OutputTokens is > 0 and < DefaultMaxTokens ? connection.OutputTokens : DefaultMaxTokens);
        _metadata = new ChatClientMetadata(connection.Name, connection.Options.BaseUrl, model);
    }

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var conversation = Check(messages, options);
        ChatResponse response;
        try
        {
            response = await _inner.GetResponseAsync(conversation, ForThisModel(options), cancellationToken);
        }
        catch (Exception exception) when (AnthropicFailures.Of(exception, cancellationToken) is { } failure)
        {
            throw failure;
        }

        ThrowIfRefused(response.FinishReason);
        foreach (var message in response.Messages)
        {
            ThrowIfBroken(message.Contents);
        }

        return response;
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var conversation = Check(messages, options);
        await using var updates = _inner.GetStreamingResponseAsync(conversation, ForThisModel(options), cancellationToken).GetAsyncEnumerator(cancellationToken);
        var ended = false;
        while (true)
        {
            ChatResponseUpdate update;
            try
            {
                if (!await updates.MoveNextAsync())
                {
                    break;
                }

                update = updates.Current;
            }
            catch (Exception exception) when (AnthropicFailures.Of(exception, cancellationToken) is { } failure)
            {
                throw failure;
            }

            ThrowIfRefused(update.FinishReason);
            ThrowIfBroken(update.Contents);
            ended |= update.RawRepresentation is RawMessageStreamEvent { Value: RawMessageStopEvent };
            if (!update.Contents.Any(CarriesSomething))
            {
                // message_start, ping, the borders of blocks: after them the request may still fail and be sent again.
                continue;
            }

            // The package tells the usage when the connection ends, whether or not the message did.
            if (!ended && update.Contents.OfType<UsageContent>().Any())
            {
                break;
            }

            yield return update;
        }

        if (!ended)
        {
            throw AnthropicFailures.Cut();
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private static ChatOptions? ForThisModel(ChatOptions? options)
    {
        if (options?.ModelId is null)
        {
            return options;
        }

        var copy = options.Clone();
        copy.ModelId = null;
        return copy;
    }

    private static IReadOnlyList<ChatMessage> Check(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        if (options?.ResponseFormat is ChatResponseFormatJson { Schema: null })
        {
            throw new ModelException(ModelFailure.CapabilityMissing, "this provider answers in JSON only by a schema");
        }

        var conversation = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        foreach (var content in conversation.SelectMany(message => message.Contents))
        {
            if (!CanSend(content))
            {
                throw new ModelException(
                    ModelFailure.CapabilityMissing, $"content of type {(content as DataContent)?.MediaType ?? content.GetType().Name} cannot be sent to this model");
            }
        }

        return conversation;
    }

    private static bool CanSend(AIContent content) => content switch
    {
        DataContent data => PictureTypes.Contains(data.MediaType, StringComparer.OrdinalIgnoreCase),
        UriContent picture => picture.HasTopLevelMediaType("image"),
        TextContent or TextReasoningContent or FunctionCallContent or FunctionResultContent or UsageContent => true,
        _ => false,
    };

    private static bool CarriesSomething(AIContent content) => content is not TextContent { Text: "" };

    private static void ThrowIfRefused(ChatFinishReason? reason)
    {
        if (reason == ChatFinishReason.ContentFilter)
        {
            throw new ModelException(ModelFailure.Refused, "the model refused to answer");
        }
    }

    private static void ThrowIfBroken(IList<AIContent> contents)
    {
        foreach (var content in contents)
        {
            if (content is FunctionCallContent { Exception: not null })
            {
                throw new ModelException(ModelFailure.Malformed, "the model called a tool with arguments that are not JSON");
            }
        }
    }
}
