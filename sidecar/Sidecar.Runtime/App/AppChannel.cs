using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Runtime.Diagnostics;

namespace Sidecar.Runtime.App;

/// <summary>The app of a call is not there: its port refuses connections, or the connection broke before an answer.</summary>
public sealed class AppUnreachableException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>Whether the connection was refused, so that the app has certainly not seen the request.</summary>
    public bool NotSent { get; init; }
}

/// <summary>
/// The way to one app instance. It keeps one idle connection open, whose end tells at once that the process died; while the
/// app is away it probes the port until somebody listens again.
/// </summary>
public sealed partial class AppChannel : IAsyncDisposable
{
    private static readonly TimeSpan FirstProbeDelay = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan MaxProbeDelay = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MaxRetryDelay = TimeSpan.FromSeconds(5);

    private readonly SidecarInstance _instance;
    private readonly ILogger _logger;
    private readonly HttpMessageInvoker _http;
    private readonly SemaphoreSlim? _concurrency;
    private readonly CancellationTokenSource _stop = new();
    private TaskCompletionSource _down = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _monitor = Task.CompletedTask;
    private volatile bool _isUp;
    private TimeSpan _drainTimeout;

    public AppChannel(SidecarInstance instance, ILogger logger, Func<HttpMessageHandler, HttpMessageHandler>? wrap = null)
    {
        _instance = instance;
        _logger = logger;
        Address = new Uri($"http://127.0.0.1:{instance.AppPort ?? 0}");
        _concurrency = instance.AppMaxConcurrency > 0 ? new SemaphoreSlim(instance.AppMaxConcurrency) : null;
        var handler = new SocketsHttpHandler
        {
            UseCookies = false,
            UseProxy = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxConnectionsPerServer = 1024,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
            ConnectTimeout = TimeSpan.FromSeconds(5),
            ActivityHeadersPropagator = null,
        };
        _http = new HttpMessageInvoker(wrap?.Invoke(handler) ?? handler);
    }

    /// <summary>Spans of the calls; null makes none.</summary>
    internal AppTracing? Tracing { get; init; }

    /// <summary>What every call passes first, as in daprd deliveries too.</summary>
    internal HttpPipeline Pipeline { get; set; } = HttpPipeline.Empty;

    /// <summary>Base address of the app.</summary>
    public Uri Address { get; }

    /// <summary>Whether the app accepts connections, as far as is known.</summary>
    public bool IsUp => _isUp;

    /// <summary>
    /// Starts to watch the app. <paramref name="onUp"/> runs whenever it begins to listen (subscriptions are read again);
    /// what it returns is disposed when the app is gone.
    /// </summary>
    public void Start(Func<CancellationToken, Task<IAsyncDisposable>> onUp) => _monitor = _instance.AppPort is null ? Task.CompletedTask : MonitorAsync(onUp);

    /// <summary>
    /// Sends a request to the app with the app token; the answer's body is not buffered. Throws
    /// <see cref="AppUnreachableException"/> when the app is not there.
    /// </summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var span = Tracing?.StartCall(request);
        if (!Pipeline.IsEmpty && await AskPipelineAsync(request, cancellationToken) is { } refused)
        {
            return refused;
        }

        if (_instance.AppToken is { } token)
        {
            request.Headers.Remove("dapr-api-token");
            request.Headers.TryAddWithoutValidation("dapr-api-token", token);
        }

        if (_concurrency is not null)
        {
            await _concurrency.WaitAsync(cancellationToken);
        }

        try
        {
            return await _http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError is HttpRequestError.ConnectionError)
        {
            SetDown();
            throw new AppUnreachableException($"app {_instance.AppId} does not accept connections", exception) { NotSent = true };
        }
        catch (OperationCanceledException exception) when (exception.InnerException is TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            // The handler's only timeout is that of connecting.
            throw new AppUnreachableException($"app {_instance.AppId} does not answer a connection attempt", exception) { NotSent = true };
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw new AppUnreachableException($"the connection to app {_instance.AppId} broke", exception);
        }
        finally
        {
            _concurrency?.Release();
        }
    }

    /// <summary>Whether the app answers GET on a path with 2xx; without token, pipeline and limits of calls.</summary>
    internal async Task<bool> ProbeAsync(string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Address, path.StartsWith('/') ? path : "/" + path));
        using var response = await _http.SendAsync(request, cancellationToken);
        return response.IsSuccessStatusCode;
    }

    private async ValueTask<HttpResponseMessage?> AskPipelineAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var target = request.RequestUri!.PathAndQuery;
        var asked = new MiddlewareRequest(
            request.Method.Method, target, name => request.Headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null, client: "");
        if (await Pipeline.RunAsync(asked, cancellationToken) is { } answer)
        {
            return new HttpResponseMessage((HttpStatusCode)answer.Status) { Content = new StringContent(answer.Text), RequestMessage = request };
        }

        if (asked.Target != target)
        {
            request.RequestUri = new Uri(Address, asked.Target);
        }

        return null;
    }

    /// <summary>Reads the body of an answer. Throws <see cref="AppUnreachableException"/> when the app goes before its end.</summary>
    public async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return await response.Content.ReadAsByteArrayAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw new AppUnreachableException($"the connection to app {_instance.AppId} broke", exception);
        }
    }

    /// <summary>
    /// Ends the work for the app: nothing new is handed over, what runs may finish within the time and is given back to its
    /// group after it. Calls to the app are possible until the channel is disposed.
    /// </summary>
    public async Task StopAsync(TimeSpan drainTimeout)
    {
        _drainTimeout = drainTimeout;
        await _stop.CancelAsync();
        await _monitor;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        _http.Dispose();
    }

    private void SetDown()
    {
        _isUp = false;
        _down.TrySetResult();
    }

    private async Task MonitorAsync(Func<CancellationToken, Task<IAsyncDisposable>> onUp)
    {
        var stop = _stop.Token;
        try
        {
            for (var failedStarts = 0; !stop.IsCancellationRequested;)
            {
                var watch = await ConnectAsync(stop);
                _down = new(TaskCreationOptions.RunContinuationsAsynchronously);
                if (failedStarts == 0)
                {
                    LogUp(_logger, _instance.AppId, _instance.Index);
                }

                _isUp = true;
                if (await ServeAsync(watch, onUp, stop))
                {
                    failedStarts = 0;
                    continue;
                }

                failedStarts++;
                // Real time, as when connecting: an app that is slow to start is no matter of the injected clock.
                await Task.Delay(TimeSpan.FromTicks(Math.Min(FirstRetryDelay.Ticks << Math.Min(failedStarts - 1, 10), MaxRetryDelay.Ticks)), stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Shutting down.
        }
    }

    /// <summary>
    /// Keeps the work for the app going until the app is gone or the sidecar stops. False when the work could not be started
    /// although the app is there: then it is to be tried again.
    /// </summary>
    private async Task<bool> ServeAsync(Socket watch, Func<CancellationToken, Task<IAsyncDisposable>> onUp, CancellationToken stop)
    {
        // Not linked to the stop: handlers that run then may finish.
        using var work = new CancellationTokenSource();
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var end = WaitForEndAsync(watch, watching.Token);
        var starting = onUp(work.Token);
        await Task.WhenAny(starting, end);
        var startFailed = starting.IsCompleted && !starting.IsCompletedSuccessfully;
        if (startFailed)
        {
            await watching.CancelAsync();
        }

        await end.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (stop.IsCancellationRequested)
        {
            work.CancelAfter(_drainTimeout);
        }
        else if (!startFailed)
        {
            SetDown();
            LogDown(_logger, _instance.AppId, _instance.Index);
            await work.CancelAsync();
        }

        try
        {
            await using var running = await starting;
            return true;
        }
        catch (Exception exception)
        {
            if (startFailed)
            {
                LogStartFailed(_logger, _instance.AppId, _instance.Index, exception.Message);
            }

            return !startFailed;
        }
    }

    private async Task<Socket> ConnectAsync(CancellationToken cancellationToken)
    {
        for (var delay = FirstProbeDelay; ; delay = delay * 2 > MaxProbeDelay ? MaxProbeDelay : delay * 2)
        {
            // Inside the try: a process out of file descriptors has no sockets, for a while.
            Socket? socket = null;
            try
            {
                socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, _instance.AppPort!.Value, cancellationToken);
                return socket;
            }
            catch (SocketException)
            {
                socket?.Dispose();
            }

            // Not the injected clock: whether a process listens is a matter of real time.
            await Task.Delay(delay, cancellationToken);
        }
    }

    /// <summary>
    /// Returns when the app is gone: a call could not connect, or the idle connection ended and a new one is refused. Servers
    /// close idle connections after a while, so an end alone means nothing.
    /// </summary>
    private async Task WaitForEndAsync(Socket first, CancellationToken cancellationToken)
    {
        var buffer = new byte[1];
        using var closeLast = new SocketHolder { Socket = first };
        while (true)
        {
            var watch = closeLast.Socket;
            var read = watch.ReceiveAsync(buffer, SocketFlags.None, cancellationToken).AsTask();
            await Task.WhenAny(read, _down.Task);
            if (_down.Task.IsCompleted)
            {
                return;
            }

            try
            {
                await read;
            }
            catch (SocketException)
            {
                // Reset: the same as an end.
            }

            watch.Dispose();
            try
            {
                closeLast.Socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await closeLast.Socket.ConnectAsync(IPAddress.Loopback, _instance.AppPort!.Value, cancellationToken);
            }
            catch (SocketException)
            {
                return;
            }
        }
    }

    private sealed class SocketHolder : IDisposable
    {
        public required Socket Socket { get; set; }

        public void Dispose() => Socket.Dispose();
    }

    [LoggerMessage(2001, LogLevel.Information, "App {AppId} #{Index} accepts connections")]
    private static partial void LogUp(ILogger logger, string appId, int index);

    [LoggerMessage(2002, LogLevel.Warning, "App {AppId} #{Index} is gone")]
    private static partial void LogDown(ILogger logger, string appId, int index);

    [LoggerMessage(2004, LogLevel.Error, "App {AppId} #{Index}: its deliveries could not be started ({Problem}); trying again")]
    private static partial void LogStartFailed(ILogger logger, string appId, int index, string problem);
}
