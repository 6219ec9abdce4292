namespace Ai.Providers;

/// <summary>What the HTTP exchange itself tells about a failure, the same for every protocol.</summary>
internal static class HttpFailures
{
    /// <summary>
    /// The failure of a request that got no response: without a connection the provider cannot have started on it, with one it may have. The caller has
    /// checked that it was not cancelled, so a cancellation is the connection's own timeout.
    /// </summary>
    public static ModelException WithoutResponse(Exception exception) => exception switch
    {
        HttpRequestException
        {
            HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError
            or HttpRequestError.ProxyTunnelError,
        } or OperationCanceledException => new(ModelFailure.Unreachable, "the model server cannot be reached", exception),
        _ => new(ModelFailure.NoFirstByte, "the connection to the model server broke before its answer", exception),
    };

    /// <summary>Retry-After, in seconds or as a date, which is compared with the server's own clock.</summary>
    public static TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? header?.Date - response.Headers.Date;
        return wait > TimeSpan.Zero ? wait : null;
    }
}
