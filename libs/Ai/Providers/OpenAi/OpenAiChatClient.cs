using System.ClientModel;
using System.ClientModel.Primitives;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using ChatFinishReason = Microsoft.Extensions.AI.ChatFinishReason;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace Ai.Providers.OpenAi;

/// <summary>
/// <see cref="IChatClient"/> over the package OpenAI (POST /chat/completions of any compatible server): text, pictures as
/// data URIs with low detail, answers by JSON schema, streaming. The package Microsoft.Extensions.AI.OpenAI would replace
/// this class.
/// </summary>
internal sealed class OpenAiChatClient : IChatClient
{
    private readonly ChatClient _client;
    private readonly ChatClientMetadata _metadata;

    public OpenAiChatClient(ProviderConnection connection, string model)
    {
        var clientOptions = new OpenAIClientOptions
        {
            // Retries and timeouts are the policy's, around this client: two layers would multiply.
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            NetworkTimeout = Timeout.InfiniteTimeSpan,
            Transport = new HttpClientPipelineTransport(connection.Http),
        };
        if (connection.Options.BaseUrl is { } address)
        {
            clientOptions.Endpoint = address;
        }

        var key = new ApiKeyCredential(connection.Key is { Length: > 0 } given ? given : "none");
        _client = new ChatClient(model, key, clientOptions);
        _metadata = new ChatClientMetadata(connection.Name, connection.Options.BaseUrl, model);
    }

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ChatCompletion completion;
        try
        {
            completion = (await _client.CompleteChatAsync(messages.Select(ToWire), ToWire(options), cancellationToken)).Value;
        }
        catch (Exception exception) when (Translate(exception, cancellationToken) is { } translated)
        {
            throw translated;
        }

        if (completion.Refusal is { Length: > 0 })
        {
            throw new ModelException(ModelFailure.Refused, "the model refused to answer");
        }

        if (completion.FinishReason == OpenAI.Chat.ChatFinishReason.ContentFilter)
        {
            throw new ModelException(ModelFailure.Refused, "the model's content filter stopped the answer");
        }

        return new ChatResponse(new ChatMessage(ChatRole.Assistant, string.Concat(completion.Content.Select(part => part.Text))))
        {
            ModelId = _metadata.DefaultModelId,
            CreatedAt = completion.CreatedAt,
            FinishReason = completion.FinishReason == OpenAI.Chat.ChatFinishReason.Length ? ChatFinishReason.Length : ChatFinishReason.Stop,
            Usage = completion.Usage is null ? null : ToUsage(completion.Usage),
        };
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using var updates = _client.CompleteChatStreamingAsync(messages.Select(ToWire), ToWire(options), cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            StreamingChatCompletionUpdate update;
            try
            {
                if (!await updates.MoveNextAsync())
                {
                    yield break;
                }

                update = updates.Current;
            }
            catch (Exception exception) when (Translate(exception, cancellationToken) is { } translated)
            {
                throw translated;
            }

            var text = string.Concat(update.ContentUpdate.Select(part => part.Text));
            var result = new ChatResponseUpdate(ChatRole.Assistant, text) { ModelId = _metadata.DefaultModelId, CreatedAt = update.CreatedAt };
            if (update.Usage is { } usage)
            {
                result.Contents.Add(new UsageContent(ToUsage(usage)));
            }

            yield return result;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private static UsageDetails ToUsage(ChatTokenUsage usage) => new()
    {
        InputTokenCount = usage.InputTokenCount,
        OutputTokenCount = usage.OutputTokenCount,
        TotalTokenCount = usage.TotalTokenCount,
    };

    private static OpenAI.Chat.ChatMessage ToWire(ChatMessage message)
    {
        if (message.Role == ChatRole.System)
        {
            return new SystemChatMessage(message.Text);
        }

        return message.Role == ChatRole.Assistant
            ? new AssistantChatMessage(message.Text)
            : new UserChatMessage(message.Contents.Select(ToWire));
    }

    private static ChatMessageContentPart ToWire(AIContent content) => content switch
    {
        TextContent text => ChatMessageContentPart.CreateTextPart(text.Text),
        DataContent picture when picture.HasTopLevelMediaType("image") => ChatMessageContentPart.CreateImagePart(
            BinaryData.FromBytes(picture.Data), picture.MediaType, ChatImageDetailLevel.Low),
        _ => throw new ModelException(
            ModelFailure.CapabilityMissing, $"content of type {content.GetType().Name} cannot be sent to this model"),
    };

    private static ChatCompletionOptions ToWire(ChatOptions? options)
    {
        var wire = new ChatCompletionOptions { Temperature = options?.Temperature, MaxOutputTokenCount = options?.MaxOutputTokens };
        if (options?.ResponseFormat is ChatResponseFormatJson { Schema: { } schema } json)
        {
            wire.ResponseFormat = OpenAI.Chat.ChatResponseFormat.CreateJsonSchemaFormat(
                json.SchemaName ?? "answer", BinaryData.FromString(schema.GetRawText()), json.SchemaDescription, jsonSchemaIsStrict: true);
        }

        return wire;
    }

    private static ModelException? Translate(Exception exception, CancellationToken cancellationToken) => exception switch
    {
        _ when cancellationToken.IsCancellationRequested => null,
        ClientResultException { Status: 0 } failed => new(ModelFailure.Unreachable, "the model server cannot be reached", failed),
        ClientResultException failed => new(ModelFailures.OfStatus(failed.Status), $"the model server answered {failed.Status}", failed)
        {
            Status = failed.Status,
            RetryAfter = RetryAfter(failed),
        },
        HttpRequestException or IOException or AggregateException => new(ModelFailure.Unreachable, "the connection to the model server failed", exception),
        System.Text.Json.JsonException => new(ModelFailure.Malformed, "the model server's answer is not JSON", exception),
        _ => null,
    };

    private static TimeSpan? RetryAfter(ClientResultException failed) =>
        failed.GetRawResponse()?.Headers.TryGetValue("Retry-After", out var value) == true && int.TryParse(value, out var seconds) && seconds > 0
            ? TimeSpan.FromSeconds(seconds)
            : null;
}
