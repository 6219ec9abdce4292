namespace Sidecar.Testing.Components;

/// <summary>
/// Requests of the test. While one may still be on its way the host does not count as at rest; after that it is the sidecar's, where it may wait
/// for the clock.
/// </summary>
internal sealed class ObservedClientHandler(TrafficRecorder traffic, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private static readonly TimeSpan Way = TimeSpan.FromMilliseconds(200);

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = traffic.CountAsync(() => Task.WhenAny(answer.Task, Task.Delay(Way, CancellationToken.None)));
        return SendAsync(request, answer, cancellationToken);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, TaskCompletionSource answer, CancellationToken cancellationToken)
    {
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        finally
        {
            answer.SetResult();
        }
    }
}
