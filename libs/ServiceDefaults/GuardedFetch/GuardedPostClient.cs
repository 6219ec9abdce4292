using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.GuardedFetch;

/// <summary>What a receiver made of a request: a status, or none and why.</summary>
/// <param name="Status">What it answered; a redirect is an answer and is not followed.</param>
/// <param name="RetryAfter">Its wish for the next attempt.</param>
/// <param name="Failure">Why there is no status.</param>
public sealed record PostResult(int? Status, TimeSpan? RetryAfter, FetchFailure? Failure)
{
    /// <summary>Whether the address itself is refused here, so that no attempt will ever be made.</summary>
    public bool IsForbidden => Failure is { Status: 400 };
}

/// <summary>
/// Sends bytes to an address that a user named, as guarded as <see cref="GuardedFetchClient"/>. The body of the answer is not read. What goes wrong is a
/// <see cref="FetchFailure"/>; only the caller's cancellation throws.
/// </summary>
public sealed class GuardedPostClient(HttpClient http, IHostResolver resolver, IOptions<GuardedPostOptions> options, TimeProvider time)
{
    private readonly GuardedPostOptions _options = options.Value;

    /// <summary>Why the address would not be sent to, as far as can be told without asking for its name; null when nothing speaks against it.</summary>
    public FetchFailure? Refusal(string url) => FetchTarget.Refusal(url, _options);

    /// <summary>Sends a body with <c>POST</c>.</summary>
    public async Task<PostResult> PostAsync(
        string url, ReadOnlyMemory<byte> body, string contentType, IReadOnlyDictionary<string, string> headers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(headers);
        if (FetchTarget.Check(url, _options, out var target, out var host) is { } refusal)
        {
            return new PostResult(null, null, refusal);
        }

        using var total = new CancellationTokenSource(_options.TotalTimeout, time);
        using var connect = new CancellationTokenSource(_options.ConnectTimeout, time);
        using var any = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, total.Token, connect.Token);
        try
        {
            var (addresses, failure) = await GuardedConnections.ResolveAsync(host, _options, resolver, any.Token);
            if (addresses is null)
            {
                return new PostResult(null, null, failure);
            }

            using var request = new HttpRequestMessage(HttpMethod.Post, target) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            request.Content = new SentContent(body, connect) { Headers = { ContentType = MediaTypeHeaderValue.Parse(contentType) } };
            foreach (var (name, value) in headers)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            GuardedConnections.Pin(request, addresses);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, any.Token);
            return new PostResult((int)response.StatusCode, RetryAfter(response.Headers.RetryAfter), null);
        }
        catch (Exception exception) when (exception is OperationCanceledException or HttpRequestException or IOException && !cancellationToken.IsCancellationRequested)
        {
            return new PostResult(null, null,
                total.IsCancellationRequested ? FetchFailure.Timeout("its answer")
                : connect.IsCancellationRequested ? FetchFailure.Timeout("the connection")
                : exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError }
                    ? FetchFailure.Unreachable()
                    : FetchFailure.Broken());
        }
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        var wait = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);
        return wait > TimeSpan.Zero ? wait : null;
    }

    /// <summary>A body that is sent once there is a connection: from then on only the total counts.</summary>
    private sealed class SentContent(ReadOnlyMemory<byte> body, CancellationTokenSource connect) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            connect.CancelAfter(Timeout.InfiniteTimeSpan);
            await stream.WriteAsync(body);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return true;
        }
    }
}
