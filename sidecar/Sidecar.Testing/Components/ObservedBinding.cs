using Sidecar.Abstractions;

namespace Sidecar.Testing.Components;

/// <summary>An output binding whose calls can fail.</summary>
internal class ObservedOutputBinding(IOutputBinding inner, ComponentContext context, Observation observation) : ObservedComponent(inner), IOutputBinding
{
    public IReadOnlyList<string> Operations => inner.Operations;

    public async ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken)
    {
        var response = BindingResponse.Empty;
        await observation.RunAsync(
            new BindingAttempt(context.AppId, context.Name, request),
            async () => response = await inner.InvokeAsync(request, cancellationToken),
            cancellationToken);
        return response;
    }
}

/// <summary>One that also calls the app.</summary>
internal sealed class ObservedTwoWayBinding(IOutputBinding inner, ComponentContext context, Observation observation)
    : ObservedOutputBinding(inner, context, observation), IInputBinding
{
    public Task<IAsyncDisposable> ReadAsync(Func<BindingEvent, CancellationToken, Task> handler, CancellationToken cancellationToken) =>
        ((IInputBinding)Inner).ReadAsync(handler, cancellationToken);
}
