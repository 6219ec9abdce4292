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
                    call.Model, Client(call, static (provider, connection, model) => provider.CreateChat(connection, model))
                        .GetStreamingResponseAsync(chat.Messages, chat.Options, cancellationToken),
                    cancellationToken);
            case ChatCall chat:
                var response = await Client(call, static (provider, connection, model) => provider.CreateChat(connection, model))
                    .GetResponseAsync(chat.Messages, chat.Options, cancellationToken);
                return new WholeAnswer<ChatResponse>(call.Model, response, response.Usage);
            case EmbeddingCall embedding:
                var embeddings = await Client(call, static (provider, connection, model) => provider.CreateEmbeddings(connection, model))
                    .GenerateAsync(embedding.Values, embedding.Options, cancellationToken);
                return new WholeAnswer<GeneratedEmbeddings<Embedding<float>>>(call.Model, embeddings, embeddings.Usage);
            case ImageCall image:
                var pictures = await Client(call, static (provider, connection, model) => provider.CreateImages(connection, model))
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

    private T Client<T>(ModelCall call, Func<IModelProvider, ProviderConnection, string, T?> create) where T : class =>
        (T?)(_clients.TryGetValue((call.Model.Id, call.Key, typeof(T)), out var known) ? known : Add(call, create)).Value
        ?? throw new ModelException(ModelFailure.CapabilityMissing, $"{call.Model.Id} has no {call.Operation}");

    private Lazy<object?> Add<T>(ModelCall call, Func<IModelProvider, ProviderConnection, string, T?> create) where T : class =>
        _clients.GetOrAdd((call.Model.Id, call.Key, typeof(T)), _ => new Lazy<object?>(() =>
        {
            var options = catalogue.Providers[call.Model.Provider];
            var connection = new ProviderConnection(call.Model.Provider, options, call.Key, connections.Of(call.Model.Provider))
            {
                OutputTokens = call.Model.OutputTokens,
            };
            return create(_providers[options.Kind!], connection, call.Model.Name);
        }));
}
