using System.Buffers;
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
    private const int FirstBuffer = 64 * 1024;

    private readonly GuardedFetchOptions _options = options.Value;
    private readonly string[] _types = options.Value.MediaTypes is { Count: > 0 } types ? [.. types] : ["image/jpeg", "image/png"];

    /// <summary>Why nothing would be fetched from the address, as far as can be told without asking for its name; null when nothing speaks against it.</summary>
    public FetchFailure? Refusal(string url) => FetchTarget.Refusal(url, _options);

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

        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        // Lent and doubled: a body of megabytes would leave several times its size to the garbage collector. A length that was only told reserves nothing.
        var buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
        try
        {
            var (count, type) = (0, (string?)null);
            while (true)
            {
                step.CancelAfter(_options.IdleTimeout);
                var read = await stream.ReadAsync(buffer.AsMemory(count), cancellationToken);
                if (read == 0)
                {
                    return type is not null || IsTaken(buffer.AsSpan(0, count), out type)
                        ? new FetchResult(new FetchedContent(buffer.AsSpan(0, count).ToArray(), type!), Failure: null)
                        : Failed(FetchFailure.TypeUnsupported(_types));
                }

                count += read;
                if (count > _options.MaxBytes)
                {
                    return Failed(FetchFailure.TooLarge(_options.MaxBytes));
                }

                // As soon as it can be told: what is no picture is not read to its end.
                if (type is null && count >= PictureTypes.Needed && !IsTaken(buffer.AsSpan(0, count), out type))
                {
                    return Failed(FetchFailure.TypeUnsupported(_types));
                }

                if (count == buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent(2 * buffer.Length);
                    buffer.CopyTo(larger, 0);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private bool IsTaken(ReadOnlySpan<byte> content, out string? type)
    {
        type = PictureTypes.Of(content);
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
