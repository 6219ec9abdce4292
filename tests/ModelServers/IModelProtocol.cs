using Microsoft.AspNetCore.Routing;

namespace ModelServers;

/// <summary>The wire protocol of a model provider: its paths, its credentials, what it demands of a request, what its answers and errors look like.</summary>
public interface IModelProtocol
{
    /// <summary>Name, in <see cref="ModelRequest.Protocol"/>.</summary>
    string Name { get; }

    /// <summary>Adds its routes, which hand each request to <see cref="ModelServer.HandleAsync"/>.</summary>
    void Map(IEndpointRouteBuilder routes, ModelServer server);

    /// <summary>What a client of the protocol takes as its base URL when the server listens at <paramref name="address"/>.</summary>
    Uri BaseUrl(Uri address);
}
