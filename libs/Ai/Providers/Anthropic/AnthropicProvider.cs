using Anthropic;
using Anthropic.Core;
using Anthropic.Models.Models;
using Microsoft.Extensions.AI;

namespace Ai.Providers.Anthropic;

/// <summary>
/// Anthropic and every server that speaks its Messages API (API version 2026-10-21 of the package Anthropic). The protocol has neither embeddings nor
/// pictures to give.
/// </summary>
public sealed class AnthropicProvider : IModelProvider
{
    private const string DefaultBaseUrl = "https://api.anthropic.com";
    private const int ModelsAPage = 1000;

    /// <inheritdoc/>
    public string Kind => "anthropic";

    /// <inheritdoc/>
    public Uri AddressOf(ProviderOptions options) => options.BaseUrl ?? new Uri(DefaultBaseUrl);

    /// <inheritdoc/>
    public IChatClient CreateChat(ProviderConnection connection, string model) => new AnthropicChatClient(Client(connection), connection, model);

    /// <inheritdoc/>
    public IEmbeddingGenerator<string, Embedding<float>>? CreateEmbeddings(ProviderConnection connection, string model) => null;

    /// <inheritdoc/>
    public IImageGenerator? CreateImages(ProviderConnection connection, string model) => null;

    /// <summary>GET /v1/models, all pages.</summary>
    public async Task<IReadOnlyList<string>?> ListModelsAsync(ProviderConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            var names = new List<string>();
            var page = await Client(connection).Models.List(new ModelListParams { Limit = ModelsAPage }, cancellationToken);
            await foreach (var model in page.Paginate(cancellationToken))
            {
                names.Add(model.ID);
            }

            return names;
        }
        catch (Exception exception) when (AnthropicFailures.Of(exception, cancellationToken) is { } failure)
        {
            throw failure;
        }
    }

    /// <summary>
    /// The package without its own retries, timeouts and spans, which are the policies'. It is not disposed of, because it would take the provider's
    /// connections with it. Base URL and key are always given, so that it reads no environment variables; without a key it sends none.
    /// </summary>
    private static AnthropicClient Client(ProviderConnection connection) => new(new ClientOptions
    {
        BaseUrl = connection.Options.BaseUrl?.AbsoluteUri ?? DefaultBaseUrl,
        ApiKey = connection.Key is { Length: > 0 } key ? key : null,
        HttpClient = connection.Http,
        Handlers = [new AnthropicErrors()],
        MaxRetries = 0,
        Timeout = TimeSpan.FromDays(1),
        OpenTelemetry = false,
    });
}
