using System.Net;

namespace ServiceDefaults;

/// <summary>
/// Repeats calls for 30 s while the own sidecar refuses connections, breaks one in the middle of a call, or says that it could not reach the
/// callee (ERR_DIRECT_INVOKE): both restart within seconds. A callee's own answer of any kind is passed on as it is, unless the call says
/// otherwise by <see cref="RepeatOn"/>. A request may reach the callee twice, so what is called this way must be idempotent, as everything
/// between our apps is. The only such loop: clients on top of it have none of their own.
/// </summary>
public sealed class SidecarRetryHandler(TimeProvider time) : DelegatingHandler
{
    /// <summary>How long a call is repeated.</summary>
    public static readonly TimeSpan RetryTime = TimeSpan.FromSeconds(30);

    /// <summary>Option of a request: answers of the callee that are repeated too. Default: none.</summary>
    public static readonly HttpRequestOptionsKey<Func<HttpResponseMessage, CancellationToken, Task<bool>>> RepeatOn = new("ServiceDefaults.RepeatOn");

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(1);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is not null)
        {
            await request.Content.LoadIntoBufferAsync(cancellationToken);
        }

        request.Options.TryGetValue(RepeatOn, out var repeatOn);
        var started = time.GetTimestamp();
        for (var delay = FirstDelay; ; delay = delay * 2 > MaxDelay ? MaxDelay : delay * 2)
        {
            var mayRepeat = time.GetElapsedTime(started) < RetryTime;
            HttpResponseMessage? response = null;
            var passOn = false;
            try
            {
                response = await base.SendAsync(request, cancellationToken);

                // The connection may break in the body as well.
                await response.Content.LoadIntoBufferAsync(cancellationToken);
                passOn = !mayRepeat
                    || !(await IsSidecarsAsync(response, cancellationToken) || (repeatOn is not null && await repeatOn(response, cancellationToken)));
                if (passOn)
                {
                    return response;
                }
            }
            catch (Exception exception) when (mayRepeat && IsAway(exception) && !cancellationToken.IsCancellationRequested)
            {
                // The sidecar is not there, or went while it worked on the request.
            }
            finally
            {
                if (!passOn)
                {
                    response?.Dispose();
                }
            }

            await Task.Delay(delay * (0.5 + Random.Shared.NextDouble()), time, cancellationToken);
        }
    }

    /// <summary>Connection refused, not made in time, or broken.</summary>
    private static bool IsAway(Exception exception) => exception is
        IOException
        or HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.ResponseEnded }
        or HttpRequestException { InnerException: IOException }
        or OperationCanceledException { InnerException: TimeoutException };

    /// <summary>Whether the answer is the sidecar's own error and not the callee's, which speaks problem+json.</summary>
    private static async Task<bool> IsSidecarsAsync(HttpResponseMessage response, CancellationToken cancellationToken) =>
        response.StatusCode == HttpStatusCode.InternalServerError
        && response.Content.Headers.ContentType?.MediaType == "application/json"
        && (await response.Content.ReadAsStringAsync(cancellationToken)).Contains("\"ERR_DIRECT_INVOKE\"", StringComparison.Ordinal);
}
