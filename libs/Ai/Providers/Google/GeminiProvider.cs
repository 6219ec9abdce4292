using Microsoft.Extensions.AI;

namespace Ai.Providers.Google;

/// <summary>The Gemini API (Generative Language API, v1beta) with an API key.</summary>
public sealed class GeminiProvider : IModelProvider
{
    /// <inheritdoc/>
    public string Kind => "gemini";

    /// <inheritdoc/>
    public Uri AddressOf(ProviderOptions options) => GeminiApi.AddressOf(options);

    /// <inheritdoc/>
    public IChatClient CreateChat(ProviderConnection connection, string model) => new GoogleChatClient(new GeminiApi(connection), model);

    /// <inheritdoc/>
    public IEmbeddingGenerator<string, Embedding<float>> CreateEmbeddings(ProviderConnection connection, string model) =>
        new GeminiEmbeddingGenerator(new GeminiApi(connection), model);

    /// <inheritdoc/>
    public IImageGenerator CreateImages(ProviderConnection connection, string model) => new GoogleImageGenerator(new GeminiApi(connection), model);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>?> ListModelsAsync(ProviderConnection connection, CancellationToken cancellationToken) =>
        GoogleModels.ListAsync(new GeminiApi(connection), "v1beta/models", cancellationToken);
}

/// <summary>https://generativelanguage.googleapis.com/v1beta/models/{model}, signed by the header x-goog-api-key.</summary>
internal sealed class GeminiApi(ProviderConnection connection) : GoogleApi(connection)
{
    private readonly string? _key = connection.Key;

    public override Uri Address { get; } = AddressOf(connection.Options);

    public override bool SendsCallIds => true;

    public static Uri AddressOf(ProviderOptions options) => options.BaseUrl ?? new Uri("https://generativelanguage.googleapis.com");

    public override string SignInHint => $"check the keys of provider {Name}";

    protected override ValueTask<string> ModelPathAsync(string model, CancellationToken cancellationToken) =>
        ValueTask.FromResult($"v1beta/models/{Uri.EscapeDataString(model)}");

    protected override ValueTask SignAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        if (_key is { Length: > 0 })
        {
            message.Headers.TryAddWithoutValidation("x-goog-api-key", _key);
        }

        return ValueTask.CompletedTask;
    }
}
