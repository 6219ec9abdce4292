using System.Globalization;
using Sidecar.Abstractions;

namespace Launcher.Run;

/// <summary>Asks processes over HTTP until they say that they are ready.</summary>
internal sealed class Readiness(TimeProvider time) : IDisposable
{
    /// <summary>Processes have no other signal to give; 100 ms is unnoticeable and costs nothing on loopback.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(2) })
    {
        Timeout = TimeSpan.FromSeconds(5),
    };

    /// <summary>The sidecar of an instance has loaded its components and answers. Its health routes need no token.</summary>
    public Task SidecarAsync(int port, CancellationToken cancellationToken) =>
        WaitAsync(port, "/v1.0/healthz/outbound", response => response.IsSuccessStatusCode, cancellationToken);

    /// <summary>
    /// The app answers its health check with success. Without one it is asked for <c>/healthz/ready</c>, and an app that does not know this
    /// path is ready as soon as it answers.
    /// </summary>
    public Task AppAsync(int port, AppHealthCheck? health, CancellationToken cancellationToken) => health is { Path: var path }
        ? WaitAsync(port, path, response => response.IsSuccessStatusCode, cancellationToken)
        : WaitAsync(port, "/healthz/ready", response => (int)response.StatusCode < 500, cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task WaitAsync(int port, string path, Func<HttpResponseMessage, bool> isReady, CancellationToken cancellationToken)
    {
        var address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}{path}");
        while (!await AskAsync(address, isReady, cancellationToken))
        {
            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    private async Task<bool> AskAsync(string address, Func<HttpResponseMessage, bool> isReady, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return isReady(response);
        }
        catch (Exception exception) when (exception is HttpRequestException || (exception is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
