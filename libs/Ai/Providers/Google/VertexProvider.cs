using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Ai.Providers.Google.Credentials;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;

namespace Ai.Providers.Google;

/// <summary>Vertex AI with the credentials of a service account, a federated workload, a user or the metadata server.</summary>
public sealed class VertexProvider(IConfiguration configuration, IProviderKeys keys, TimeProvider time) : IModelProvider
{
    /// <summary>One sign-in for all clients of an entry, so that its token is asked for once.</summary>
    private readonly ConditionalWeakTable<ProviderOptions, GoogleSignIn> _signIns = [];

    /// <inheritdoc/>
    public string Kind => "vertex";

    /// <inheritdoc/>
    public Uri AddressOf(ProviderOptions options) => VertexApi.AddressOf(options);

    /// <inheritdoc/>
    public IChatClient CreateChat(ProviderConnection connection, string model) => new GoogleChatClient(Api(connection), model);

    /// <inheritdoc/>
    public IEmbeddingGenerator<string, Embedding<float>> CreateEmbeddings(ProviderConnection connection, string model) =>
        new VertexEmbeddingGenerator(Api(connection), model);

    /// <inheritdoc/>
    public IImageGenerator CreateImages(ProviderConnection connection, string model) => new GoogleImageGenerator(Api(connection), model);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>?> ListModelsAsync(ProviderConnection connection, CancellationToken cancellationToken) =>
        // Only the beta of the API lists them. https://cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/publishers.models/list.
        GoogleModels.ListAsync(Api(connection), "v1beta1/publishers/google/models", cancellationToken);

    private VertexApi Api(ProviderConnection connection) => new(
        connection, _signIns.GetValue(connection.Options, options => new GoogleSignIn(connection.Name, options, configuration, keys, time)));
}

/// <summary>{address}/v1beta1/projects/{project}/locations/{location}/publishers/google/models/{model}, signed by a bearer token.</summary>
internal sealed class VertexApi(ProviderConnection connection, GoogleSignIn signIn) : GoogleApi(connection)
{
    private readonly string _location = connection.Options.Location;

    public override Uri Address { get; } = AddressOf(connection.Options);

    public override bool SendsCallIds => false;

    public override string SignInHint => $"check the credentials of provider {Name}";

    protected override async ValueTask<string> ModelPathAsync(string model, CancellationToken cancellationToken) =>
        $"v1beta1/projects/{Uri.EscapeDataString(await signIn.GetProjectAsync(cancellationToken))}/locations/{Uri.EscapeDataString(_location)}"
        + $"/publishers/google/models/{Uri.EscapeDataString(model)}";

    protected override async ValueTask SignAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        var token = await signIn.GetTokenAsync(cancellationToken);
        message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.AccessToken);
        foreach (var (name, values) in token.Headers)
        {
            message.Headers.TryAddWithoutValidation(name, values);
        }
    }

    protected override void Rejected(HttpRequestMessage message) => signIn.Forget(message.Headers.Authorization?.Parameter);

    /// <summary>
    /// The global endpoint, the two of whole continents, or one region's. https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations.
    /// </summary>
    public static Uri AddressOf(ProviderOptions options) => options.BaseUrl ?? new(options.Location switch
    {
        "global" => "https://aiplatform.googleapis.com",
        "us" or "eu" => $"https://aiplatform.{options.Location}.rep.googleapis.com",
        _ => $"https://{options.Location}-aiplatform.googleapis.com",
    });
}
