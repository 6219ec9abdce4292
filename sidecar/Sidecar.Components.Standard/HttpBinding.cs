using System.Globalization;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard;

/// <summary>
/// <c>bindings.http</c>: calls metadata <c>url</c> + request metadata <c>path</c>. Request metadata that begins with a capital letter becomes a
/// header, and so do those of the trace context. An answer that is not 2xx is an error unless <c>errorIfNot2XX</c> is false; status and headers
/// come back either way. Redirects are followed. Certificates (<c>MTLS…</c>) are refused at start: a call without them would be another one than was asked for.
/// </summary>
internal sealed partial class HttpBinding(ComponentContext context) : IOutputBinding
{
    private static readonly string[] WithBody = ["post", "put", "patch"];

    private static readonly string[] TraceHeaders = ["traceparent", "tracestate", "baggage"];
    private static readonly string[] Unsupported = ["MTLSRootCA", "MTLSClientCert", "MTLSClientKey", "MTLSRenegotiation"];
    private const string Json = "application/json; charset=utf-8";

    /// <summary>A changed address of the host is seen after this time.</summary>
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        UseCookies = false,
        MaxAutomaticRedirections = 10,
        ActivityHeadersPropagator = null,
        PooledConnectionLifetime = ConnectionLifetime,
    });

    private Uri _url = new("http://localhost");
    private bool _errorIfNot2XX = true;
    private (string Header, string Token)? _security;

    public IReadOnlyList<string> Operations { get; } = ["create", "get", "head", "post", "put", "patch", "delete", "options", "trace"];

    public Task InitAsync(CancellationToken cancellationToken)
    {
        _url = Uri.TryCreate(context.Metadata.Required("url"), UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw new ComponentException("metadata 'url' is not an http(s) address");
        _errorIfNot2XX = context.Metadata.Bool("errorIfNot2XX", true);
        _http.Timeout = context.Metadata.Duration("responseTimeout", Timeout.InfiniteTimeSpan);
        _http.MaxResponseContentBufferSize = MaxBody(context.Metadata["maxResponseBodySize"] is { Length: > 0 } size ? size : "100Mi");
        _security = (context.Metadata["securityTokenHeader"] ?? "", context.Metadata["securityToken"] ?? "") switch
        {
            ("", "") => null,
            ({ Length: > 0 } header, { Length: > 0 } token) => (header, token),
            _ => throw new ComponentException("metadata 'securityToken' and 'securityTokenHeader' are needed together"),
        };
        return Unsupported.FirstOrDefault(name => context.Metadata[name] is { Length: > 0 }) is { } unsupported
            ? throw new ComponentException($"metadata '{unsupported}' is not supported by the embedded sidecar")
            : Task.CompletedTask;
    }

    public async ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken)
    {
        var method = request.Operation == "create" ? "post" : request.Operation;
        using var message = new HttpRequestMessage(new HttpMethod(method.ToUpperInvariant()), Address(request.Metadata["path"]));
        if (WithBody.Contains(method))
        {
            message.Content = new ReadOnlyMemoryContent(request.Content());
            message.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(request.Metadata["Content-Type"] ?? Json);
        }

        foreach (var (name, value) in request.Metadata)
        {
            if (IsHeader(name) && !name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase))
            {
                message.Headers.TryAddWithoutValidation(name, value);
            }
        }

        if (message.Headers.Accept.Count == 0)
        {
            message.Headers.TryAddWithoutValidation("Accept", Json);
        }

        if (_security is var (header, token))
        {
            message.Headers.Remove(header);
            message.Headers.TryAddWithoutValidation(header, token);
        }

        using var response = await SendAsync(message, cancellationToken);
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        var metadata = new ComponentMetadata(
        [
            new("statusCode", ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture)),
            new("status", $"{(int)response.StatusCode} {response.ReasonPhrase}"),
            .. response.Headers.Concat(response.Content.Headers).Select(header => KeyValuePair.Create(header.Key, string.Join(", ", header.Value))),
        ]);
        var fails = request.Metadata["errorIfNot2XX"] is { } choice ? choice != "false" : _errorIfNot2XX;
        return fails && !response.IsSuccessStatusCode
            ? throw new BindingException($"received status code {(int)response.StatusCode}", metadata)
            : new BindingResponse(body, metadata, response.Content.Headers.ContentType?.ToString());
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        try
        {
            return await _http.SendAsync(message, cancellationToken);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BindingException($"no answer within {_http.Timeout}", innerException: exception);
        }
    }

    /// <summary>The path is appended and cannot leave the configured host.</summary>
    private Uri Address(string? path)
    {
        var address = path is { Length: > 0 } ? new Uri($"{_url.ToString().TrimEnd('/')}/{path.TrimStart('/')}") : _url;
        return address.Authority == _url.Authority ? address : throw new BindingException("path leads to another host");
    }

    private static bool IsHeader(string name) =>
        name.Length > 0 && (char.IsUpper(name[0]) || TraceHeaders.Contains(name, StringComparer.OrdinalIgnoreCase));

    /// <summary>A Kubernetes quantity (<c>100Mi</c>, <c>1G</c>, bytes) as a limit; zero and less mean none, which is what fits into an array.</summary>
    private static long MaxBody(string text)
    {
        var quantity = Quantity().Match(text);
        if (!quantity.Success)
        {
            throw new ComponentException($"metadata 'maxResponseBodySize' is not a size: '{text}' (examples: 100Mi, 1G, 65536)");
        }

        var unit = quantity.Groups["unit"].Value;
        var exponent = unit.Length == 0 ? 0 : "kmgt".IndexOf(char.ToLowerInvariant(unit[0])) + 1;
        var bytes = double.Parse(quantity.Groups["number"].Value, CultureInfo.InvariantCulture) * Math.Pow(unit.EndsWith('i') ? 1024 : 1000, exponent);
        return bytes > 0 ? (long)Math.Clamp(bytes, 1, int.MaxValue) : int.MaxValue;
    }

    [GeneratedRegex(@"\A(?<number>-?\d+(\.\d+)?)(?<unit>([KMGT]i|[kMGT])?)\z")]
    private static partial Regex Quantity();
}
