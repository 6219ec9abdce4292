using Microsoft.AspNetCore.Http;

namespace Tandem.Protocol.Grpc;

/// <summary>What a server method knows about the call it serves.</summary>
public sealed class GrpcCallContext
{
    internal GrpcCallContext(HttpContext httpContext, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        HttpContext = httpContext;
        Deadline = deadline;
        CancellationToken = cancellationToken;
    }

    public HttpContext HttpContext { get; }

    /// <summary>When the caller stops waiting; null when it set no <c>grpc-timeout</c>.</summary>
    public DateTimeOffset? Deadline { get; }

    /// <summary>
    /// Cancelled when the caller has gone or the deadline has passed. A method must observe it: the call ends only
    /// when the method does, so that nothing touches a finished request.
    /// </summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>The metadata of the request; keys are compared without regard to case.</summary>
    public IHeaderDictionary RequestHeaders => HttpContext.Request.Headers;

    /// <summary>Metadata sent before the message of a unary call. A stream's have been sent when its method begins.</summary>
    public IHeaderDictionary ResponseHeaders => HttpContext.Response.Headers;

    /// <summary>Metadata sent with the status.</summary>
    public IHeaderDictionary ResponseTrailers { get; } = new HeaderDictionary();
}
