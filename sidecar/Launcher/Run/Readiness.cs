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

    /// <summary>The sidecar of an instance has loaded its components and answers.</summary>
    public Task SidecarAsync(PlannedInstance instance, CancellationToken cancellationToken) =>
        WaitAsync(instance.HttpPort, "/v1.0/healthz/outbound", instance.ApiToken, cancellationToken);

    /// <summary>The app answers <c>GET /healthz/ready</c> with success.</summary>
    public Task AppAsync(PlannedInstance instance, CancellationToken cancellationToken) =>
        instance.AppPort is { } port ? WaitAsync(port, "/healthz/ready", instance.AppToken, cancellationToken) : Task.CompletedTask;

    public void Dispose() => _http.Dispose();

    private async Task WaitAsync(int port, string path, string token, CancellationToken cancellationToken)
    {
        var address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}{path}");
        while (!await AskAsync(address, token, cancellationToken))
        {
            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    private async Task<bool> AskAsync(string address, string token, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.TryAddWithoutValidation("dapr-api-token", token);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException || (exception is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
