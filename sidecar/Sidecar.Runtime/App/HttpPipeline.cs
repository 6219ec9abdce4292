using Sidecar.Abstractions;
using Sidecar.Runtime.Loading;

namespace Sidecar.Runtime.App;

/// <summary>The middleware of one direction in the order of the Configuration (protocol: config §4, §13).</summary>
public sealed class HttpPipeline
{
    /// <summary>Lets everything go on.</summary>
    public static readonly HttpPipeline Empty = new([]);

    private readonly IHttpMiddleware[] _handlers;

    private HttpPipeline(IHttpMiddleware[] handlers) => _handlers = handlers;

    /// <summary>Whether there is nothing to ask.</summary>
    public bool IsEmpty => _handlers.Length == 0;

    /// <summary>Finds the components. One that is missing protects nothing: throws <see cref="ComponentException"/>.</summary>
    public static HttpPipeline Of(IReadOnlyList<PipelineHandler> handlers, ComponentSet components, string part) => new([.. handlers.Select(handler =>
        components.All.FirstOrDefault(entry => entry.Manifest.Name == handler.Name && entry.Manifest.Type == handler.Type).Component as IHttpMiddleware
            ?? throw new ComponentException(
                $"spec.{part} of the Configuration names '{handler.Name}' of type {handler.Type}, but no such middleware component is in the app's scope"))]);

    /// <summary>Asks one after the other; the first answer ends the request, null lets it go on.</summary>
    public async ValueTask<MiddlewareAnswer?> RunAsync(MiddlewareRequest request, CancellationToken cancellationToken)
    {
        foreach (var handler in _handlers)
        {
            if (await handler.HandleAsync(request, cancellationToken) is { } answer)
            {
                return answer;
            }
        }

        return null;
    }
}
