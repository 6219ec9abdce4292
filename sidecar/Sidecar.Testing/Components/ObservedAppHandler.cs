namespace Sidecar.Testing.Components;

/// <summary>The calls to one app: counted while they run, and met by faults.</summary>
internal sealed class ObservedAppHandler(string appId, HttpMessageHandler inner, Observation observation) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var attempt = new CallAttempt(appId, request);
        await observation.RunAsync(attempt, async () => attempt.Response = await base.SendAsync(request, cancellationToken), cancellationToken);
        return attempt.Response ?? throw new InvalidOperationException("a fault has neither performed nor failed the call");
    }
}
