using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Ai.Providers.OpenAi;

/// <summary>OpenAI and every server that speaks its protocol: Ollama, vLLM, llama.cpp …</summary>
public sealed class OpenAiProvider(TimeProvider? time = null) : IModelProvider
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public string Kind => "openai";

    /// <inheritdoc/>
    public Uri AddressOf(ProviderOptions options) => options.BaseUrl ?? new Uri("https://api.openai.com");

    /// <inheritdoc/>
    public IChatClient CreateChat(ProviderConnection connection, string model)
    {
        ChatWire wire = connection.Options.Api == "responses"
            ? new ResponsesWire(OpenAiConnection.Responses(connection, _time), model)
            : new ChatCompletionsWire(OpenAiConnection.Client(connection, _time).GetChatClient(model), model, IsOpenAi(connection));
        return new OpenAiChatClient(connection, model, wire);
    }

    /// <inheritdoc/>
    public IEmbeddingGenerator<string, Embedding<float>> CreateEmbeddings(ProviderConnection connection, string model) =>
        new OpenAiEmbeddings(connection, model, OpenAiConnection.Client(connection, _time).GetEmbeddingClient(model));

    /// <inheritdoc/>
    public IImageGenerator CreateImages(ProviderConnection connection, string model) =>
        new OpenAiImages(connection, model, OpenAiConnection.Client(connection, _time).GetImageClient(model));

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>?> ListModelsAsync(ProviderConnection connection, CancellationToken cancellationToken)
    {
        var answer = await OpenAiConnection.Client(connection, _time).GetOpenAIModelClient().GetModelsAsync(OpenAiBody.Options(cancellationToken));
        return OpenAiErrors.Reading<IReadOnlyList<string>>(answer, cancellationToken, body =>
            [.. (JsonSerializer.Deserialize(body, OpenAiJson.Default.WireModels)?.Data ?? []).Select(model => model.Id).OfType<string>()]);
    }

    private static bool IsOpenAi(ProviderConnection connection) =>
        connection.Options.BaseUrl is not { } address || address.Host.EndsWith(".openai.com", StringComparison.OrdinalIgnoreCase);
}
