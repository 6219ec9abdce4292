using Ai.Local;
using Microsoft.AspNetCore.Routing;
using ModelServers;

namespace Ai.Providers.Tests.Local;

/// <summary>The embedded provider: what a network does to a call does not concern it, so it joins the suites that need no server.</summary>
public sealed class LocalFixture : ProviderFixture
{
    public override IModelProtocol Protocol { get; } = new NoProtocol();

    public override IModelProvider Provider { get; } = new LocalProvider([]);

    public override string Model => LocalProvider.Name;

    public override string? EmbeddingModel => LocalProvider.Name;

    public override string? ImageModel => LocalProvider.Name;

    public override string? Key => null;

    /// <summary>A server that nobody may call.</summary>
    private sealed class NoProtocol : IModelProtocol
    {
        public string Name => LocalProvider.Name;

        public void Map(IEndpointRouteBuilder routes, ModelServer server)
        {
        }

        public Uri BaseUrl(Uri address) => address;
    }
}

public sealed class LocalEmbeddingTests : EmbeddingBasics<LocalFixture>;

public sealed class LocalImageTests : ImageBasics<LocalFixture>;
