namespace Sidecar.Abstractions;

/// <summary>
/// A handler of the pipelines of a Configuration (<c>httpPipeline</c>: requests to the sidecar, <c>appHttpPipeline</c>: requests of the
/// sidecar to the app). It answers a request itself, or lets it go on, perhaps to another target.
/// </summary>
public interface IHttpMiddleware : IComponent
{
    /// <summary>The answer when the request ends here, or null when it goes on.</summary>
    ValueTask<MiddlewareAnswer?> HandleAsync(MiddlewareRequest request, CancellationToken cancellationToken);
}

/// <summary>A request on its way through a pipeline.</summary>
/// <param name="method">HTTP method.</param>
/// <param name="target">Path and query, percent-encoded.</param>
/// <param name="header">First value of a header, or null.</param>
/// <param name="client">Address of the client; empty when the sidecar itself sends the request.</param>
public sealed class MiddlewareRequest(string method, string target, Func<string, string?> header, string client)
{
    /// <summary>HTTP method.</summary>
    public string Method => method;

    /// <summary>Path and query, percent-encoded. What is set here is where the request goes.</summary>
    public string Target { get; set; } = target;

    /// <summary>Address of the client; empty when the sidecar itself sends the request.</summary>
    public string Client => client;

    /// <summary>First value of a header, or null.</summary>
    public string? Header(string name) => header(name);
}

/// <summary>How a middleware ends a request.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Text">Body, as plain text.</param>
public sealed record MiddlewareAnswer(int Status, string Text);
