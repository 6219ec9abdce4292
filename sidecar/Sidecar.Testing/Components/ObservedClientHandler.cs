namespace Sidecar.Testing.Components;

/// <summary>Requests of the test: while one is on its way the host does not count as at rest.</summary>
internal sealed class ObservedClientHandler(ClientCalls calls, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        calls.RunAsync(request, () => base.SendAsync(request, cancellationToken));
}
