using Ai.Providers;
using Ai.Providers.Google;
using Microsoft.Extensions.Configuration;
using ModelServers;
using ModelServers.Google;

namespace Ai.Providers.Tests.Google;

/// <summary>The Gemini API.</summary>
public sealed class GeminiFixture : ProviderFixture
{
    public override IModelProtocol Protocol { get; } = new GeminiProtocol();

    public override IModelProvider Provider { get; } = new GeminiProvider();

    public override string Model => "gemini-3-flash-preview";

    public override string EmbeddingModel => "gemini-embedding-001";

    public override string ImageModel => "gemini-3-pro-image";

    public override IReadOnlyList<string> Models => GoogleProtocol.Models;

    public override bool TellsEmbeddingUsage => false;

    public override string SizeOf(int width, int height) => Shapes.Of(width, height);
}

/// <summary>Vertex AI with a service account whose JSON is a secret.</summary>
public sealed class VertexFixture : ProviderFixture
{
    private readonly VertexProtocol _protocol = new();
    private readonly FixedCredentials _credentials = new();

    public VertexFixture() => Provider = new VertexProvider(new ConfigurationBuilder().Build(), _credentials, TimeProvider.System);

    public override IModelProtocol Protocol => _protocol;

    public override IModelProvider Provider { get; }

    public override string Model => "gemini-3-flash-preview";

    public override string EmbeddingModel => "text-embedding-005";

    public override string ImageModel => "gemini-3-pro-image";

    public override IReadOnlyList<string> Models => GoogleProtocol.Models;

    public override string SizeOf(int width, int height) => Shapes.Of(width, height);

    public override string? Key => null;

    public override string? Credential => _protocol.Tokens.Last;

    public override bool TellsToolCallIds => false;

    public override ProviderOptions Options(Uri baseUrl)
    {
        _credentials.Json = GoogleTokens.ServiceAccount(baseUrl);
        return new ProviderOptions { Kind = "vertex", BaseUrl = baseUrl, CredentialsSecret = "vertex", TokenTimeout = TimeSpan.FromMinutes(2) };
    }
}

/// <summary>Answers one JSON as the secret of every provider.</summary>
internal sealed class FixedCredentials : IProviderKeys
{
    public string? Json { get; set; }

    public int Rereads { get; private set; }

    public ValueTask<ProviderKeys> OfAsync(string provider, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<string?> CredentialsOfAsync(string provider, CancellationToken cancellationToken) => ValueTask.FromResult(Json);

    public void Reread(string provider) => Rereads++;
}

/// <summary>The shapes of the sizes that the contract asks for.</summary>
internal static class Shapes
{
    public static string Of(int width, int height) => (width, height) switch
    {
        (1024, 1024) => "1:1",
        (1536, 1024) => "3:2",
        (1024, 1536) => "2:3",
        _ => "16:9",
    };
}
