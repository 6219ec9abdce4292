using System.Net;
using System.Reflection;

namespace Dapr.Client;

/// <summary>
/// The HTTP connection to the own sidecar. While the sidecar is away (it restarts within a second or two) calls are repeated for
/// <see cref="RetryTime"/>: every operation of the API may be repeated, publishing because delivery is at least once anyway,
/// conditional writes because who loses against itself reads again.
/// </summary>
internal sealed class SidecarConnection : IDisposable
{
    public static readonly TimeSpan RetryTime = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(1);
    private static readonly string UserAgent =
        $"dapr-sdk-dotnet/v{typeof(SidecarConnection).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0"}";

    private readonly HttpMessageInvoker _http;
    private readonly TimeSpan _timeout;

    /// <summary>Opens nothing yet. A handler that is given stays the caller's.</summary>
    public SidecarConnection(string endpoint, string token, TimeSpan timeout, HttpMessageHandler? handler = null)
    {
        Endpoint = new Uri(endpoint);
        Token = token;
        _timeout = timeout;
        _http = handler is null ? new HttpMessageInvoker(CreateHandler()) : new HttpMessageInvoker(handler, disposeHandler: false);
    }

    public Uri Endpoint { get; }

    public string Token { get; }

    /// <summary>Sends; the body is buffered, so it can be sent again. The caller judges the status.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, ReadOnlyMemory<byte>? body, string? contentType, Action<HttpRequestMessage>? prepare, Repeat repeat,
        CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (_timeout > TimeSpan.Zero)
        {
            limit.CancelAfter(_timeout);
        }

        var started = TimeProvider.System.GetTimestamp();
        for (var delay = FirstDelay; ; delay = delay * 2 > MaxDelay ? MaxDelay : delay * 2)
        {
            using var request = new HttpRequestMessage(method, new Uri(Endpoint, path));
            if (body is { } bytes)
            {
                request.Content = new ReadOnlyMemoryContent(bytes);
                request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType ?? "application/json");
            }

            request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
            if (Token.Length > 0)
            {
                request.Headers.TryAddWithoutValidation(DaprDefaults.TokenHeader, Token);
            }

            prepare?.Invoke(request);
            try
            {
                var response = await _http.SendAsync(request, limit.Token).ConfigureAwait(false);
                try
                {
                    await response.Content.LoadIntoBufferAsync(limit.Token).ConfigureAwait(false);
                    return response;
                }
                catch
                {
                    response.Dispose();
                    throw;
                }
            }
            catch (Exception exception) when (MayRepeat(repeat, exception) && IsAway(exception, limit.Token) && TimeProvider.System.GetElapsedTime(started) < RetryTime)
            {
                // A wait that the time limit cuts short is one more failing try, which says so.
                await Task.Delay(delay * (0.5 + Random.Shared.NextDouble()), limit.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException exception) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw new DaprException($"The sidecar did not answer within {_timeout.TotalSeconds:0.###} s.", exception);
            }
            catch (Exception exception) when (IsAway(exception, cancellationToken))
            {
                throw new DaprException("The sidecar cannot be reached.", exception);
            }
        }
    }

    /// <summary>Connection refused, broken or not made in time; not: the caller has given up.</summary>
    private static bool IsAway(Exception exception, CancellationToken cancellationToken) =>
        exception is HttpRequestException or IOException or OperationCanceledException { InnerException: TimeoutException }
        && !cancellationToken.IsCancellationRequested;

    private static bool MayRepeat(Repeat repeat, Exception exception) => repeat switch
    {
        Repeat.Always => true,
        Repeat.Unsent => exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } or OperationCanceledException,
        _ => false,
    };

    /// <summary>The way to a sidecar: never a proxy, no cookies, no redirects.</summary>
    public static SocketsHttpHandler CreateHandler() => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
        ConnectTimeout = TimeSpan.FromSeconds(5),
    };

    public void Dispose() => _http.Dispose();
}

/// <summary>Which calls are made again while the sidecar is away.</summary>
internal enum Repeat
{
    /// <summary>None.</summary>
    Never,

    /// <summary>Those that certainly have not come through: what they do must not be done twice.</summary>
    Unsent,

    /// <summary>All, whatever became of them.</summary>
    Always,
}
