using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.GuardedFetch;

/// <summary>
/// Fetches a picture from an address that a user named, without becoming the user's way into the own network (OWASP SSRF prevention). A name is resolved
/// once, all its addresses must be public, and the connection goes to an address that was checked; TLS and the Host header keep the name. No proxy, cookies,
/// credentials, trace headers or decompression. What goes wrong is a <see cref="FetchFailure"/>; only the caller's cancellation throws.
/// </summary>
public sealed partial class GuardedFetchClient(
    HttpClient http, IHostResolver resolver, IOptions<GuardedFetchOptions> options, TimeProvider time, ILogger<GuardedFetchClient> logger)
{
    private readonly GuardedFetchOptions _options = options.Value;
    private readonly string[] _types = options.Value.MediaTypes is { Count: > 0 } types ? [.. types] : ["image/jpeg", "image/png"];

    /// <summary>Fetches a picture.</summary>
    public async Task<FetchResult> GetAsync(string url, CancellationToken cancellationToken)
    {
        using var total = new CancellationTokenSource(_options.TotalTimeout, time);
        using var step = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var any = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, total.Token, step.Token);
        FetchResult result;
        try
        {
            result = await GetAsync(url, step, any.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or HttpRequestException or IOException && !cancellationToken.IsCancellationRequested)
        {
            result = Failed(
                total.IsCancellationRequested ? FetchFailure.Timeout("the whole picture")
                : step.IsCancellationRequested ? FetchFailure.Timeout("its next step")
                : exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError }
                    ? FetchFailure.Unreachable()
                    : FetchFailure.Broken());
        }

        if (result.Failure is { } failure)
        {
            LogFailed(failure.Code);
        }

        return result;
    }

    private async Task<FetchResult> GetAsync(string url, CancellationTokenSource step, CancellationToken cancellationToken)
    {
        for (var hop = 0; ; hop++)
        {
            step.CancelAfter(_options.HeadersTimeout);
            if (FetchTarget.Check(url, _options, out var target, out var host) is { } refusal)
            {
                return Failed(refusal);
            }

            var (addresses, failure) = await GuardedConnections.ResolveAsync(host, _options, resolver, cancellationToken);
            if (addresses is null)
            {
                return Failed(failure!);
            }

            using var request = new HttpRequestMessage(HttpMethod.Get, target) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            request.Headers.Accept.ParseAdd(string.Join(", ", _types));
            GuardedConnections.Pin(request, addresses);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if ((int)response.StatusCode is 301 or 302 or 303 or 307 or 308)
            {
                if (hop == _options.MaxRedirects || Next(target, response) is not { } next)
                {
                    return Failed(FetchFailure.Redirected(_options.MaxRedirects));
                }

                url = next;
                continue;
            }

            return response.StatusCode == HttpStatusCode.OK
                ? await ReadAsync(response.Content, step, cancellationToken)
                : Failed(FetchFailure.Answered((int)response.StatusCode));
        }
    }

    private async Task<FetchResult> ReadAsync(HttpContent content, CancellationTokenSource step, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentEncoding.Any(encoding => !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase)))
        {
            return Failed(FetchFailure.TypeUnsupported(_types));
        }

        if (content.Headers.ContentLength > _options.MaxBytes)
        {
            return Failed(FetchFailure.TooLarge(_options.MaxBytes));
        }

        step.CancelAfter(_options.IdleTimeout);
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        using var taken = new MemoryStream();
        var buffer = new byte[16 * 1024];
        string? type = null;
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            step.CancelAfter(_options.IdleTimeout);
            taken.Write(buffer, 0, count);
            if (taken.Length > _options.MaxBytes)
            {
                return Failed(FetchFailure.TooLarge(_options.MaxBytes));
            }

            // As soon as it can be told: what is no picture is not read to its end.
            if (type is null && taken.Length >= PictureTypes.Needed && !IsTaken(taken, out type))
            {
                return Failed(FetchFailure.TypeUnsupported(_types));
            }
        }

        return type is not null || IsTaken(taken, out type)
            ? new FetchResult(new FetchedContent(taken.ToArray(), type!), Failure: null)
            : Failed(FetchFailure.TypeUnsupported(_types));
    }

    private bool IsTaken(MemoryStream content, out string? type)
    {
        type = PictureTypes.Of(content.GetBuffer().AsSpan(0, (int)content.Length));
        return type is not null && _types.Contains(type);
    }

    /// <summary>Where a redirect leads, as it was written, so that it is checked like a first address; null when it leads nowhere.</summary>
    private static string? Next(Uri target, HttpResponseMessage response)
    {
        var location = response.Headers.NonValidated.TryGetValues("Location", out var values) && values.Count == 1 ? values.ToString() : "";
        return location.StartsWith("http:", StringComparison.OrdinalIgnoreCase) || location.StartsWith("https:", StringComparison.OrdinalIgnoreCase) ? location
            : location.Length > 0 && Uri.TryCreate(target, location, out var next) ? next.AbsoluteUri
            : null;
    }

    private static FetchResult Failed(FetchFailure failure) => new(Content: null, failure);

    [LoggerMessage(920, LogLevel.Debug, "A picture was not fetched from the address that a user named: {Code}")]
    private partial void LogFailed(string code);
}
