using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Forwarding;

/// <summary>
/// The client's request body on its way: small ones are held, get a length and can be sent again, others are streamed once.
/// </summary>
internal sealed class ForwardedBody
{
    private readonly HttpRequest _request;
    private readonly bool _present;

    /// <summary>The whole body, or its beginning when <see cref="_whole"/> is false.</summary>
    private readonly ReadOnlyMemory<byte> _held;
    private readonly bool _whole;
    private volatile bool _started;

    private ForwardedBody(HttpRequest request, bool present, ReadOnlyMemory<byte> held, bool whole)
    {
        _request = request;
        _present = present;
        _held = held;
        _whole = whole;
    }

    /// <summary>Whether it can be sent (again): it is held, or nobody has begun to read it.</summary>
    public bool CanBeSent => !_present || _whole || !_started;

    /// <summary>Takes the body of a request; one without a length is read as far as would be held.</summary>
    public static async ValueTask<ForwardedBody> OfAsync(HttpRequest request, int replayBytes, CancellationToken cancellationToken)
    {
        var present = request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? request.ContentLength > 0;
        if (!present || request.ContentLength > replayBytes)
        {
            return new ForwardedBody(request, present, default, whole: false);
        }

        // One byte more than may be held tells that there is more.
        var held = new byte[(request.ContentLength ?? replayBytes) + 1];
        var read = await request.Body.ReadAtLeastAsync(held, held.Length, throwOnEndOfStream: false, cancellationToken);
        return new ForwardedBody(request, present, held.AsMemory(0, read), whole: read < held.Length);
    }

    /// <summary>Content for one try, or null without a body. <paramref name="onProgress"/> runs with each piece that is streamed.</summary>
    public HttpContent? ToContent(Action onProgress) =>
        !_present ? null : _whole ? new ReadOnlyMemoryContent(_held) : new Streamed(this, onProgress);

    private sealed class Streamed(ForwardedBody body, Action onProgress) : HttpContent
    {
        protected override bool TryComputeLength(out long length)
        {
            length = body._request.ContentLength ?? 0;
            return body._request.ContentLength is not null;
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            body._started = true;
            var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
            try
            {
                await stream.WriteAsync(body._held, cancellationToken);
                int read;
                while ((read = await body._request.Body.ReadAsync(buffer, cancellationToken)) > 0)
                {
                    onProgress();
                    await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                    await stream.FlushAsync(cancellationToken);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
