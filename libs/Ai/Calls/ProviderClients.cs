using System.Collections.Concurrent;
using Ai.Catalogue;
using Ai.Providers;
using Microsoft.Extensions.AI;

namespace Ai.Calls;

/// <summary>The end of the pipeline: asks the provider, with a client that is made once for each model and key.</summary>
internal sealed class ProviderClients(ModelCatalogue catalogue, IEnumerable<IModelProvider> providers, ProviderConnections connections) : IDisposable
{
    private readonly Dictionary<string, IModelProvider> _providers = providers.ToDictionary(provider => provider.Kind, StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<(string Model, string? Key, Type Type), Lazy<object?>> _clients = new();

    /// <summary>Asks the provider of the call's model with the call's key.</summary>
    public async ValueTask<ModelAnswer> AnswerAsync(ModelCall call, CancellationToken cancellationToken)
    {
        switch (call)
        {
            case ChatCall { Streamed: true } chat:
                return await StreamedAnswer.OpenAsync(
                    call.Model, Client<IChatClient>(call, (provider, connection) => provider.CreateChat(connection, call.Model.Name))
                        .GetStreamingResponseAsync(chat.Messages, chat.Options, cancellationToken),
                    cancellationToken);
            case ChatCall chat:
                var response = await Client<IChatClient>(call, (provider, connection) => provider.CreateChat(connection, call.Model.Name))
                    .GetResponseAsync(chat.Messages, chat.Options, cancellationToken);
                return new WholeAnswer<ChatResponse>(call.Model, response, response.Usage);
            case EmbeddingCall embedding:
                var embeddings = await Client<IEmbeddingGenerator<string, Embedding<float>>>(
                        call, (provider, connection) => provider.CreateEmbeddings(connection, call.Model.Name))
                    .GenerateAsync(embedding.Values, embedding.Options, cancellationToken);
                return new WholeAnswer<GeneratedEmbeddings<Embedding<float>>>(call.Model, embeddings, embeddings.Usage);
            case ImageCall image:
                var pictures = await Client<IImageGenerator>(call, (provider, connection) => provider.CreateImages(connection, call.Model.Name))
                    .GenerateAsync(image.Request, image.Options, cancellationToken);
                return new WholeAnswer<ImageGenerationResponse>(call.Model, pictures, pictures.Usage);
            default:
                throw new ArgumentOutOfRangeException(nameof(call), call.GetType().Name, message: null);
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values.Where(client => client.IsValueCreated))
        {
            (client.Value as IDisposable)?.Dispose();
        }
    }

    private T Client<T>(ModelCall call, Func<IModelProvider, ProviderConnection, object?> create) where T : class =>
        (T?)_clients.GetOrAdd((call.Model.Id, call.Key, typeof(T)), _ => new Lazy<object?>(() =>
        {
            var options = catalogue.Providers[call.Model.Provider];
            var connection = new ProviderConnection(call.Model.Provider, options, call.Key, connections.Of(call.Model.Provider))
            {
                OutputTokens = call.Model.OutputTokens,
            };
            return create(_providers[options.Kind!], connection);
        })).Value
        ?? throw new ModelException(ModelFailure.CapabilityMissing, $"{call.Model.Id} has no {call.Operation}");
}
