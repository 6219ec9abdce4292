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

    public override string? Key => null;

    public override string? Credential => _protocol.Tokens.Last;

    public override bool TellsToolCallIds => false;

    public override ProviderOptions Options(Uri baseUrl)
    {
        _credentials.Json = GoogleTokens.ServiceAccount(baseUrl);
        return new ProviderOptions { Kind = "vertex", BaseUrl = baseUrl, CredentialsSecret = "vertex" };
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
