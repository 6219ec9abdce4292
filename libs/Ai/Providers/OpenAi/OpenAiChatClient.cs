using System.ClientModel;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Ai.Providers.OpenAi;

/// <summary>
/// <see cref="IChatClient"/> on the package OpenAI: its pipeline carries the requests, a <see cref="ChatWire"/> writes and reads them. The package's typed
/// answers are of no use here: they end a stream without saying whether it had ended, pass over errors in its middle, and throw where a compatible server
/// leaves something out.
/// </summary>
internal sealed class OpenAiChatClient(ProviderConnection connection, string model, ChatWire wire) : IChatClient
{
    private readonly ChatClientMetadata _metadata = new(connection.Name, connection.Options.BaseUrl, model);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var answer = await SendAsync(messages, options, streamed: false, cancellationToken);
        var response = OpenAiErrors.Reading(answer, cancellationToken, wire.Read);
        response.ModelId = model;
        return response;
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var answer = (await SendAsync(messages, options, streamed: true, cancellationToken)).GetRawResponse();
        var stream = wire.OpenStream();
        await using var events = SseParser.Create(answer.ContentStream!, (_, data) => stream.Read(data))
            .EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (!stream.Ended)
        {
            try
            {
                if (!await events.MoveNextAsync())
                {
                    break;
                }
            }
            catch (Exception exception) when (OpenAiErrors.WhileReading(exception, cancellationToken) is { } failure)
            {
                throw failure;
            }

            if (events.Current.Data is { } update)
            {
                yield return Complete(update);
            }
        }

        yield return Complete(stream.Finish());
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private async Task<ClientResult> SendAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, bool streamed, CancellationToken cancellationToken)
    {
        var requestOptions = OpenAiBody.Options(cancellationToken, streamed);
        using var content = OpenAiBody.Json(writer => wire.Write(writer, messages, options, streamed));
        return await wire.SendAsync(content, requestOptions);
    }

    private ChatResponseUpdate Complete(ChatResponseUpdate update)
    {
        update.Role = ChatRole.Assistant;
        update.ModelId = model;
        return update;
    }
}
