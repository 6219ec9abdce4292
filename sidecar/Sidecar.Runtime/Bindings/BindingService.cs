using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Runtime.Diagnostics;
using Sidecar.Runtime.Resiliency;

namespace Sidecar.Runtime.Bindings;

/// <summary>Output and input bindings of one app instance (dapr-http §5).</summary>
public sealed partial class BindingService(AppInstance app)
{
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Invokes an output binding; every failure is ERR_INVOKE_OUTPUT_BINDING 500.</summary>
    public async Task<BindingResponse> InvokeAsync(string name, BindingRequest request, CancellationToken cancellationToken)
    {
        var binding = app.Components.Find<IOutputBinding>(name) ?? throw Failed(name, $"couldn't find output binding {name}{app.Components.WhyMissing(name)}");
        if (request.Operation.Length == 0)
        {
            throw Failed(name, "operation field is missing from request");
        }

        if (!binding.Operations.Contains(request.Operation))
        {
            throw Failed(name, $"binding {name} does not support operation {request.Operation}. supported operations:{string.Join(" ", binding.Operations)}");
        }

        try
        {
            return await app.Resiliency.ForOutbound(name, "Binding").ExecuteAsync(
                async token => await binding.InvokeAsync(request, token), _ => default, _ => true, app.Time, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw new DaprErrorException(
                500, "ERR_INVOKE_OUTPUT_BINDING", $"error invoking output binding {name}: {exception.Message}", innerException: exception)
            {
                Metadata = (exception as BindingException)?.Metadata,
            };
        }
    }

    /// <summary>Starts the input bindings that the app wants: those whose metadata says so, and those whose route answers OPTIONS.</summary>
    public async Task<IReadOnlyList<IAsyncDisposable>> StartInputsAsync(ILogger logger, CancellationToken cancellationToken)
    {
        var started = new List<IAsyncDisposable>();
        try
        {
            foreach (var (manifest, component) in app.Components.All)
            {
                if (component is not IInputBinding binding)
                {
                    continue;
                }

                var metadata = app.Components.Metadata(manifest.Name);
                var route = new Uri(app.Channel.Address, "/" + (metadata["route"] is { Length: > 0 } path ? path : manifest.Name).TrimStart('/'));
                if (metadata["direction"] is { } direction ? direction.Contains("input", StringComparison.Ordinal) : await WantsAsync(route, cancellationToken))
                {
                    var policy = app.Resiliency.ForInbound(manifest.Name, "Binding");
                    policy = policy with { Timeout = policy.Timeout ?? app.Timeouts.Binding };
                    started.Add(await binding.ReadAsync((message, token) => DeliverAsync(policy, manifest.Name, route, message, logger, token), cancellationToken));
                    LogStarted(logger, app.Instance.AppId, app.Instance.Index, manifest.Name);
                }
            }

            return started;
        }
        catch
        {
            // The start is tried again; what runs already would run twice.
            await Task.WhenAll(started.Select(input => input.DisposeAsync().AsTask()));
            throw;
        }
    }

    /// <summary>Whether the app has the route. Throws <see cref="TimeoutException"/> when it does not say so in time: it is to be asked again.</summary>
    private async Task<bool> WantsAsync(Uri route, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ProbeTimeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Options, route);
            using var response = await app.Channel.SendAsync(request, limit.Token);
            return response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.MethodNotAllowed;
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer to OPTIONS {route.AbsolutePath} within {ProbeTimeout}", exception);
        }
    }

    private async Task DeliverAsync(
        ExecutionPolicy policy, string name, Uri route, BindingEvent message, ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            await policy.ExecuteAsync(token => PostAsync(name, route, message, token), _ => default, _ => true, app.Time, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotHandled(logger, app.Instance.AppId, app.Instance.Index, name, exception.Message);
            throw;
        }
    }

    private async Task<int> PostAsync(string name, Uri route, BindingEvent message, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, route) { Content = new ReadOnlyMemoryContent(message.Data) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        foreach (var (key, value) in message.Metadata)
        {
            request.Headers.TryAddWithoutValidation(key, value);
        }

        request.Options.Set(AppTracing.SpanName, $"bindings/{name}");
        using var response = await app.Channel.SendAsync(request, cancellationToken);
        return response.IsSuccessStatusCode
            ? (int)response.StatusCode
            : throw new BindingException($"the app answered {(int)response.StatusCode} to binding {name}");
    }

    private static DaprErrorException Failed(string name, string message) =>
        new(500, "ERR_INVOKE_OUTPUT_BINDING", $"error invoking output binding {name}: {message}");

    [LoggerMessage(4001, LogLevel.Information, "{AppId} #{Index}: input binding {Binding} started")]
    private static partial void LogStarted(ILogger logger, string appId, int index, string binding);

    [LoggerMessage(4002, LogLevel.Warning, "{AppId} #{Index}: an event of input binding {Binding} was not handled: {Reason}")]
    private static partial void LogNotHandled(ILogger logger, string appId, int index, string binding, string reason);
}
