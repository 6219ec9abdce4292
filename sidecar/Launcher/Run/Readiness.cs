using System.Globalization;

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
    public Task SidecarAsync(int port, CancellationToken cancellationToken) => WaitAsync(port, "/v1.0/healthz/outbound", cancellationToken);

    /// <summary>The app answers <c>GET /healthz/ready</c> with success.</summary>
    public Task AppAsync(int port, CancellationToken cancellationToken) => WaitAsync(port, "/healthz/ready", cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task WaitAsync(int port, string path, CancellationToken cancellationToken)
    {
        var address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}{path}");
        while (!await AskAsync(address, cancellationToken))
        {
            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    private async Task<bool> AskAsync(string address, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException || (exception is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
