using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Primitives;
using Sidecar.Api.Http;
using Sidecar.Runtime.Invocation;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;

namespace Sidecar.Api.Grpc;

/// <summary>
/// Service invocation over gRPC of apps that speak HTTP (grpc §1.4, §2). Steps: 1. the target and whether it takes this; 2. the request, with
/// the call's metadata as headers; 3. an instance of the callee; 4. its headers as metadata; 5. its body, or its status as one of gRPC.
/// </summary>
internal static class InvokeGrpc
{
    /// <summary>Names that belong to HTTP: as metadata they get the prefix <c>dapr-</c>.</summary>
    private static readonly HashSet<string> PermanentHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "accept", "accept-charset", "accept-language", "accept-ranges", "authorization", "cache-control", "content-type", "cookie", "date", "expect",
        "from", "host", "if-match", "if-modified-since", "if-none-match", "if-schedule-tag-match", "if-unmodified-since", "max-forwards", "origin",
        "pragma", "referer", "user-agent", "via", "warning",
    };

    private static readonly Uri AnyHost = new("http://app");

    public static void MapInvoke(this GrpcApi api, InvocationService invocation) =>
        api.Unary("invoke.v1", "InvokeService", InvokeServiceRequest.Parser, (request, context) => InvokeAsync(request, context, invocation));

    private static async Task<InvokeResponse> InvokeAsync(InvokeServiceRequest request, GrpcCallContext context, InvocationService invocation)
    {
        // 1. The target.
        var target = request.Id.Length > 0 ? request.Id : throw InvocationErrors.NoTarget();
        var message = request.Message ?? new InvokeRequest();
        var verb = Verb(message);
        var path = message.HttpExtension.Querystring is { Length: > 0 } query ? $"{message.Method}?{query}" : message.Method;
        var caller = context.App();
        if (invocation.IsGuarded(target))
        {
            invocation.Authorize(caller, target, verb.Method, InvocationAddress.Of(AnyHost, path).AbsolutePath);
        }

        // 2. The request.
        HttpRequestMessage Create(Uri address)
        {
            var outgoing = new HttpRequestMessage(verb, InvocationAddress.Of(address, path)) { Content = Content(message) };
            foreach (var (name, values) in context.RequestHeaders.Where(header => IsMetadata(header.Key)))
            {
                outgoing.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }

            InvocationHeaders.AddParties(outgoing, caller, target, context.HttpContext.Request.Host.Value);
            return outgoing;
        }

        // 3. An instance of the callee.
        using var response = await invocation.SendAsync(caller, target, message.Method, Create, canRepeat: true, context.CancellationToken);

        // 4. Headers.
        AddHeaders(context, response.Headers);
        AddHeaders(context, response.Content.Headers);
        context.ResponseHeaders["dapr-http-status"] = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);

        // 5. The body.
        var body = await ReadAsync(response, target, caller.Instance.MaxBodyBytes, context.CancellationToken);
        return !response.IsSuccessStatusCode
            ? throw GrpcErrors.FromHttp((int)response.StatusCode, Encoding.UTF8.GetString(body.Span), context)
            : new InvokeResponse
            {
                Data = new Any { Value = UnsafeByteOperations.UnsafeWrap(body) },
                ContentType = response.Content.Headers.NonValidated.TryGetValues("content-type", out var type) ? type.ToString() : "",
            };
    }

    private static HttpMethod Verb(InvokeRequest message) => message.HttpExtension?.Verb switch
    {
        null => throw new GrpcException(GrpcStatusCode.InvalidArgument, "missing HTTP extension field: the embedded sidecar invokes apps over HTTP"),
        HTTPExtension.Types.Verb.Get => HttpMethod.Get,
        HTTPExtension.Types.Verb.Head => HttpMethod.Head,
        HTTPExtension.Types.Verb.Post => HttpMethod.Post,
        HTTPExtension.Types.Verb.Put => HttpMethod.Put,
        HTTPExtension.Types.Verb.Delete => HttpMethod.Delete,
        HTTPExtension.Types.Verb.Options => HttpMethod.Options,
        HTTPExtension.Types.Verb.Trace => HttpMethod.Trace,
        HTTPExtension.Types.Verb.Patch => HttpMethod.Patch,
        _ => throw new GrpcException(GrpcStatusCode.InvalidArgument, "invalid HTTP verb"),
    };

    private static ReadOnlyMemoryContent? Content(InvokeRequest message)
    {
        if (message.Data is not { Value.Length: > 0 } data)
        {
            return null;
        }

        var content = new ReadOnlyMemoryContent(data.Value.Memory);
        content.Headers.TryAddWithoutValidation("Content-Type", message.ContentType.Length > 0 ? message.ContentType : "application/json");
        return content;
    }

    private static bool IsMetadata(string name) =>
        InvocationHeaders.IsForwarded(name) && !name.StartsWith("grpc-", StringComparison.OrdinalIgnoreCase)
        && !name.StartsWith("content-", StringComparison.OrdinalIgnoreCase);

    private static void AddHeaders(GrpcCallContext context, HttpHeaders headers)
    {
        foreach (var (name, values) in headers.NonValidated)
        {
            var key = name.ToLowerInvariant();
            if (InvocationHeaders.IsForwarded(key) && key != "content-length" && !key.StartsWith("grpc-", StringComparison.Ordinal)
                && values.All(value => value.All(c => c is >= ' ' and <= '~')))
            {
                context.ResponseHeaders[PermanentHeaders.Contains(key) ? $"dapr-{key}" : key] = new StringValues([.. values]);
            }
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpResponseMessage response, string target, long limit, CancellationToken cancellationToken)
    {
        var body = new MemoryStream();
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            var buffer = new byte[16 * 1024];
            for (int read; (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
            {
                if (body.Length + read > limit)
                {
                    throw new GrpcException(GrpcStatusCode.ResourceExhausted, $"the answer of {target} is larger than {limit} bytes");
                }

                body.Write(buffer, 0, read);
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw InvocationErrors.Failed(target, exception);
        }

        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }
}
